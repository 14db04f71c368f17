// Which language is spoken, how to change it, and filling the blanks of a text; the words are elsewhere.
import { LitElement } from "lit";

export type Language = "en" | "sw";

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

/** Calls `told` whenever another language is chosen. */
export function whenLanguageChanges(told: () => void): void {
  window.addEventListener(CHANGED, told);
}

/** A text with its blanks filled: {name} is filled in, {count|one|many} chosen by number. */
export function filled(text: string, values: Record<string, string | number>): string {
  return text
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_whole, name: string, one: string, many: string) => (values[name] === 1 ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
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
