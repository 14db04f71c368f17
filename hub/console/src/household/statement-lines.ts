// A line of a statement in the reader's language: the hub names what happened by keys and figures.
import { energy, kes, moment } from "../format.js";
import { currentLanguage } from "../language-choice.js";
import type { Phrase, StatementLine } from "./answers.js";
import { say, sayCode, sayReason, type Word } from "./say.js";

/** After these comes a colon, for what follows is all about them. */
const HEADS = new Set(["period", "late", "ahead"]);

/** What the line says; as the hub itself says it in English where a phrase has no words here. */
export function sayLine({ says, text }: StatementLine, now: number): string {
  const said = (says ?? []).map((phrase) => sayPhrase(phrase, now));
  const [head, ...rest] = said;
  if (head === undefined || said.includes(null)) return text;
  return HEADS.has(says?.[0]?.key ?? "") && rest.length > 0 ? `${head ?? ""}: ${rest.join("; ")}` : said.join("; ");
}

function sayPhrase({ key, figures }: Phrase, now: number): string | null {
  if (sayCode("line", key) === null) return null;
  const told = say(`line.${key}` as Word, { ...amounts(figures, now), prices: sayPrices(figures) });
  return /\{\w+\}/.test(told) ? null : told;
}

/** The figures as people read them, under their names without the unit. */
function amounts(figures: Phrase["figures"], now: number): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(figures)) {
    if (typeof value === "string") found[name] = name === "reason" ? sayReason(value) : value;
    else if (name.endsWith("cents")) found[name === "cents" ? "money" : name.replace(/_cents$/, "")] = kes(value);
    else if (name.endsWith("wh")) found[name === "wh" ? "energy" : name.replace(/_wh$/, "")] = energy(value);
    else if (name.endsWith("_at")) found[name.replace(/_at$/, "")] = moment(value, now, currentLanguage());
  }
  const both = [figures.cents === 0 ? undefined : found.money, figures.wh === 0 ? undefined : found.energy];
  return { ...found, amount: both.filter((one) => one !== undefined).join(" + ") };
}

function sayPrices({ low_price: low, high_price: high }: Phrase["figures"]): string {
  if (typeof low !== "number" || typeof high !== "number") return "";
  return low === high ? say("prices.at", { low: kes(low) }) : say("prices.between", { low: kes(low), high: kes(high) });
}
