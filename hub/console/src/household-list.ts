// A list of households at the hub, as somebody wants it: found by words, chosen by how they stand, sorted by a column.
import type { ReactiveControllerHost } from "lit";
import { LongList, type Part, type Wanted } from "./long-list.js";

/** Which households of a list, in which order; a minus before `sort` is the highest first. */
export interface Choice {
  words: string;
  standing: string | null;
  sort: string;
}

const TYPING_MS = 250;

export class HouseholdList<T extends { household: string }> {
  readonly rows: LongList<T>;
  choice: Choice;
  /** How many of those that the words find stand how, and `all`. */
  counts: Record<string, number | undefined> = {};
  #timer = 0;

  /** Sorted by `usual` until somebody wants it otherwise. */
  constructor(
    private readonly host: ReactiveControllerHost,
    ask: (choice: Choice, wanted: Wanted) => Promise<Part<T>>,
    usual: string,
    everySeconds: number,
  ) {
    this.choice = { words: "", standing: null, sort: usual };
    const asked = async (wanted: Wanted): Promise<Part<T>> => {
      const { choice } = this;
      const part = await ask(choice, wanted);
      if (part.counts && choice === this.choice) this.counts = part.counts;
      return part;
    };
    this.rows = new LongList<T>(host, asked, (one) => one.household, everySeconds, () => true, true);
  }

  /** Whether there is nothing to find or to choose. */
  get isEmpty(): boolean {
    return this.counts.all === 0 && this.choice.words === "";
  }

  /** Find households by words, once somebody has stopped typing them. */
  find(words: string): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#want({ words: words.trim() });
    }, TYPING_MS);
  }

  stand(standing: string | null): void {
    this.#want({ standing });
  }

  sort(sort: string): void {
    this.#want({ sort });
  }

  #want(change: Partial<Choice>): void {
    this.choice = { ...this.choice, ...change };
    this.host.requestUpdate();
    void this.rows.reload();
  }
}
