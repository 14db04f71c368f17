// The words of the cards in the language of Home Assistant.
import { en } from "./words/en.js";
import { sw } from "./words/sw.js";

export type Word = keyof typeof en;
export type Say = (word: Word, values?: Record<string, string | number>) => string;

const DICTIONARIES: Record<string, Record<Word, string> | undefined> = { en, sw };

/** Home Assistant has no Swahili to choose: whoever's browser asks for it gets it in the cards. */
export const languageOf = (chosen: string, preferred: string = navigator.language): string => (chosen.startsWith("en") && preferred.startsWith("sw") ? "sw" : chosen);

/** Returns what words things in `language`; {name} is filled in, {count|one|many} chosen by number. */
export function speaker(language: string): Say {
  const words = DICTIONARIES[language.slice(0, 2)] ?? en;
  return (word, values = {}) =>
    words[word]
      .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_whole, name: string, single: string, many: string) => (values[name] === 1 ? single : many))
      .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
