// The integration's own texts in the language of the cards, which Home Assistant itself need not speak.
import type { Hass } from "./hass.js";
import type { Household } from "./household.js";

const DOMAIN = "energy_swap";

export type Texts = Record<string, string | undefined>;

/** Returns the integration's texts of a category: "exceptions" (why something was refused) or "common" (its sentences). */
export async function textsOf(hass: Hass, language: string, category: "exceptions" | "common"): Promise<Texts> {
  const { resources } = await hass.callWS<{ resources: Record<string, string> }>({ type: "frontend/get_translations", language, category, integration: [DOMAIN] });
  const start = `component.${DOMAIN}.${category}.`;
  return Object.fromEntries(Object.entries(resources).map(([key, text]) => [key.slice(start.length), text]));
}

/** Fills a text's {blanks} in; what is not known stays as it is. */
export const filled = (text: string, blanks: Record<string, string>): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => blanks[name] ?? whole);

/** Why this is advised, in the words of `sentences` (the integration's "common" texts), else as Home Assistant has it. */
export function adviceText(household: Pick<Household, "attribute">, sentences: Texts): string {
  const told = (name: string): unknown => household.attribute("recommendation", name);
  const amount = (name: string, places: number): string => Number(told(name) ?? 0).toFixed(places);
  const text = sentences[`advice_${String(told("key"))}`];
  if (text !== undefined) return filled(text, { energy: amount("energy", 1), price: amount("price", 2), gain: amount("gain", 2) });
  const reason = told("reason");
  return typeof reason === "string" ? reason : "";
}

/** What Home Assistant says of a refusal that has a translation. */
interface Translated {
  translation_domain: string;
  translation_key: string;
  translation_placeholders?: Record<string, string> | null;
}

const isOurs = (problem: unknown): problem is Translated =>
  typeof problem === "object" && problem !== null && "translation_domain" in problem && problem.translation_domain === DOMAIN && "translation_key" in problem && typeof problem.translation_key === "string";

/** What went wrong, in words for people: Home Assistant's refusals are plain objects. */
export function messageOf(problem: unknown): string {
  if (typeof problem === "object" && problem !== null && "message" in problem && typeof problem.message === "string") return problem.message;
  return String(problem);
}

/** What went wrong in a language: Home Assistant's own message is English, whatever the reader's language. */
export async function refusalText(hass: Hass, language: string, problem: unknown): Promise<string> {
  if (!isOurs(problem)) return messageOf(problem);
  try {
    const text = (await textsOf(hass, language, "exceptions"))[`${problem.translation_key}.message`];
    return text === undefined ? messageOf(problem) : filled(text, problem.translation_placeholders ?? {});
  } catch {
    return messageOf(problem); // the connection went, and it is the refusal that counts
  }
}
