// What a list of households is found, chosen and sorted by: a field for words, how they stand, and the heads of its columns.
import { html, nothing, type TemplateResult } from "lit";
import { count } from "../format.js";
import type { HouseholdList } from "../household-list.js";
import { say, type Word } from "../language.js";
import { icon } from "./icons.js";

type AnyList = Pick<HouseholdList<{ household: string }>, "choice" | "counts" | "find" | "stand" | "sort">;

/** A column that the list can be sorted by; `isFalling`: its highest values are what one looks for first. */
export interface Column {
  sort: string;
  word: Word;
  isFalling?: boolean;
}

const valueOf = (event: Event): string => (event.target as HTMLInputElement | HTMLSelectElement).value;

export function renderFind(list: AnyList): TemplateResult {
  return html`<input
    class="find"
    type="search"
    maxlength="100"
    aria-label=${say("households.search")}
    placeholder=${say("households.search")}
    title=${say("households.search_means")}
    @input=${(event: InputEvent) => {
      list.find(valueOf(event));
    }}
  />`;
}

/** How many stand how, and which of them are shown; `all` and one word for each standing. */
export function renderStandings(list: AnyList, all: Word, words: Record<string, Word>): TemplateResult {
  const choice = (standing: string | null, word: Word): TemplateResult => {
    const many = list.counts[standing ?? "all"];
    return html`<option value=${standing ?? ""} ?selected=${list.choice.standing === standing}>${say(word)}${many === undefined ? "" : ` (${count(many)})`}</option>`;
  };
  return html`<select
    class="choose"
    aria-label=${say("households.which")}
    @change=${(event: Event) => {
      list.stand(valueOf(event) || null);
    }}
  >
    ${choice(null, all)} ${Object.entries(words).map(([standing, word]) => choice(standing, word))}
  </select>`;
}

/** On a narrow screen a table has no heads to press. */
export function renderSort(list: AnyList, columns: readonly Column[]): TemplateResult {
  const name = list.choice.sort.replace("-", "");
  return html`<select
    class="choose narrow-only"
    aria-label=${say("households.sort")}
    @change=${(event: Event) => {
      const column = columns.find(({ sort }) => sort === valueOf(event));
      if (column) list.sort(firstWay(column));
    }}
  >
    ${columns.map(({ sort, word }) => html`<option value=${sort} ?selected=${sort === name}>${say(word)}</option>`)}
  </select>`;
}

/** The head of a column: pressed once it sorts the list, pressed again the other way round. */
export function renderHead(list: AnyList, column: Column, look = ""): TemplateResult {
  const isFalling = list.choice.sort === `-${column.sort}`;
  const isSorted = isFalling || list.choice.sort === column.sort;
  return html`<th class=${look} aria-sort=${isSorted ? (isFalling ? "descending" : "ascending") : nothing}>
    <button
      class="sort"
      @click=${() => {
        list.sort(isSorted ? `${isFalling ? "" : "-"}${column.sort}` : firstWay(column));
      }}
    >
      ${say(column.word)}${isSorted ? icon(isFalling ? "down" : "up", 13) : nothing}
    </button>
  </th>`;
}

const firstWay = ({ sort, isFalling }: Column): string => `${isFalling ? "-" : ""}${sort}`;
