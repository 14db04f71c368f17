// The console's words: `say` words things in the current language.
import { currentLanguage, filled, type Language } from "./language-choice.js";
import { en } from "./words/en.js";
import { sw } from "./words/sw.js";

export { beginLanguage, chooseLanguage, currentLanguage, TranslatedElement, type Language } from "./language-choice.js";

export type Word = keyof typeof en;

const DICTIONARIES: Record<Language, Record<Word, string>> = { en, sw };

/** The text of a word in the current language, with its blanks filled. */
export const say = (word: Word, values: Record<string, string | number> = {}): string => filled(DICTIONARIES[currentLanguage()][word], values);

/** Words a code of the hub (`state.settled`); a code without words is shown as it is, readable. */
export function sayCode(group: string, code: string): string {
  const word = `${group}.${code.replaceAll(" ", "_")}`;
  if (word in en) return say(word as Word);
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
