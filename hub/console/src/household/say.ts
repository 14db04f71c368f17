// The app's words: `say` words things in the language that the reader chose, and problems in words for people.
import { currentLanguage, filled } from "../language-choice.js";
import { Refused } from "./hub.js";
import { en } from "./words/en.js";
import { sw } from "./words/sw.js";

export type Word = keyof typeof en;

const DICTIONARIES: Record<"en" | "sw", Record<Word, string>> = { en, sw };

export const say = (word: Word, values: Record<string, string | number> = {}): string => filled(DICTIONARIES[currentLanguage()][word], values);

/** The word of a code of the hub, or null when there is none for it. */
export function sayCode(group: string, code: string): string | null {
  const word = `${group}.${code}`;
  return word in en ? say(word as Word) : null;
}

export function explain(problem: unknown): string {
  if (!(problem instanceof Refused)) return problem instanceof Error ? problem.message : String(problem);
  return sayCode("problem", problem.code) ?? problem.message;
}
