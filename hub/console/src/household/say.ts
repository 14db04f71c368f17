// The app's words: `say` words things in the language that the reader chose, and problems in words for people.
import { currentLanguage, filled } from "../language-choice.js";
import { energy, percent } from "../format.js";
import type { Reputation } from "./answers.js";
import { Refused } from "./hub.js";
import { asAmounts } from "./numbers.js";
import { en } from "./words/en.js";
import { swReasons } from "./words/reasons.sw.js";
import { sw } from "./words/sw.js";

export type Word = keyof typeof en;

const DICTIONARIES: Record<"en" | "sw", Record<Word, string>> = { en, sw };

export const say = (word: Word, values: Record<string, string | number> = {}): string => filled(DICTIONARIES[currentLanguage()][word], values);

/** The word of a code of the hub, or null when there is none for it. */
export function sayCode(group: string, code: string): string | null {
  const word = `${group}.${code}`;
  return word in en ? say(word as Word) : null;
}

/** Why the hub refused something, or null when its reason or one of the figures has no words here. */
function sayRefusal({ key, numbers }: Refused): string | null {
  const text = sayCode("refused", key);
  if (text === null) return null;
  const told = filled(text, asAmounts(numbers));
  return /\{\w+\}/.test(told) ? null : told;
}

/** A problem in words for people: by the reason that the hub names, else by its code, else as the hub itself says it. */
export function explain(problem: unknown): string {
  if (!(problem instanceof Refused)) return problem instanceof Error ? problem.message : String(problem);
  return sayRefusal(problem) ?? sayCode("problem", problem.code) ?? problem.message;
}

/** Why a payment failed. */
export const sayReason = (reason: string): string => (currentLanguage() === "sw" ? (swReasons[reason] ?? reason) : reason);

/** What the household's reputation comes from. */
export function sayReputation({ reason, facts }: Reputation): string {
  const { days, contracts, promised_wh, delivered_wh, top_ups, paid, ended, cancelled } = facts;
  if ([days, contracts, promised_wh, delivered_wh, top_ups, paid, ended, cancelled].some((fact) => !Number.isInteger(fact))) return reason;
  const told = [
    contracts > 0 ? say("name.contracts", { percent: percent((10_000 * delivered_wh) / promised_wh), promised: energy(promised_wh) }) : "",
    top_ups > 0 ? say("name.top_ups", { paid, top_ups }) : "",
    ended > 0 ? say("name.ended", { cancelled, ended }) : "",
  ].filter((one) => one !== "");
  return told.length === 0 ? say("name.new") : say("name.facts", { days, facts: told.join(", ") });
}
