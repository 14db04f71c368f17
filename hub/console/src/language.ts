// The language of the console: which it is, how to change it, and `say` to word things in it.
import { LitElement } from "lit";
import { en } from "./words/en.js";
import { sw } from "./words/sw.js";

export type Word = keyof typeof en;
export type Language = "en" | "sw";

const DICTIONARIES: Record<Language, Record<Word, string>> = { en, sw };
const STORED_AS = "energy-swap.language";
const CHANGED = "energy-swap-language";

/** The document's own `lang` holds the choice, so screen readers and texts always agree. */
export const currentLanguage = (): Language => (document.documentElement.lang === "sw" ? "sw" : "en");

/** Takes the language the reader chose before, else the browser's, else English. */
export function beginLanguage(): void {
  const chosen = localStorage.getItem(STORED_AS) ?? navigator.language.slice(0, 2);
  document.documentElement.lang = chosen === "sw" ? "sw" : "en";
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(STORED_AS, language);
  document.documentElement.lang = language;
  window.dispatchEvent(new Event(CHANGED));
}

/** The text of a word in the current language: {name} is filled in, {count|one|many} chosen by number. */
export function say(word: Word, values: Record<string, string | number> = {}): string {
  return DICTIONARIES[currentLanguage()][word]
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_whole, name: string, one: string, many: string) => (values[name] === 1 ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Words a code of the hub (`state.settled`); a code without words is shown as it is, readable. */
export function sayCode(group: string, code: string): string {
  const word = `${group}.${code.replaceAll(" ", "_")}`;
  if (word in en) return say(word as Word);
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An element that renders again when the language changes. */
export class TranslatedElement extends LitElement {
  readonly #changed = (): void => {
    this.requestUpdate();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener(CHANGED, this.#changed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener(CHANGED, this.#changed);
  }
}
