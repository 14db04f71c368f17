// What a page fetched from the hub: the last good value, what went wrong, and when to ask again.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Slice } from "./api.js";
import { Asking } from "./asking.js";

const asError = (problem: unknown): Error => (problem instanceof Error ? problem : new Error(String(problem)));

/** One answer, asked again every `everySeconds` while the page is on screen; the old value stays until the new one is here. */
export class Remote<T> extends Asking<T> {
  value: T | undefined;
  problem: Error | undefined;
  readonly #fetch: () => Promise<T>;

  constructor(host: ReactiveControllerHost, fetch: () => Promise<T>, everySeconds = 15) {
    super(host, everySeconds);
    this.#fetch = fetch;
  }

  protected override ask(): Promise<T> {
    return this.#fetch();
  }

  protected override answered(value: T): void {
    this.value = value;
    this.problem = undefined;
  }

  protected override failed(problem: unknown): void {
    this.problem = asError(problem);
  }
}

/** A long list, newest first, fetched slice by slice; `refresh` adds what is new on top and keeps what was loaded. */
export class RemoteList<T extends { id: number }> implements ReactiveController {
  items: T[] | undefined;
  problem: Error | undefined;
  isLoadingMore = false;
  #next: number | null = null;
  #timer = 0;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly ask: (before: number | null) => Promise<Slice<T>>,
    private readonly everySeconds = 15,
  ) {
    host.addController(this);
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  hostConnected(): void {
    void this.refresh();
    this.#timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void this.refresh();
    }, this.everySeconds * 1000);
  }

  hostDisconnected(): void {
    window.clearInterval(this.#timer);
  }

  async refresh(): Promise<void> {
    await this.#ask(null, (slice) => {
      const known = new Set(this.items?.map((item) => item.id));
      const doesMeet = slice.items.some((item) => known.has(item.id));
      if (this.items && doesMeet) {
        this.items = [...slice.items.filter((item) => !known.has(item.id)), ...this.items];
      } else {
        // First load, or so much is new that a gap would open: start again from the top.
        this.items = slice.items;
        this.#next = slice.next;
      }
    });
  }

  async loadMore(): Promise<void> {
    if (this.#next === null || this.isLoadingMore) return;
    this.isLoadingMore = true;
    this.host.requestUpdate();
    await this.#ask(this.#next, (slice) => {
      this.items = [...(this.items ?? []), ...slice.items];
      this.#next = slice.next;
    });
    this.isLoadingMore = false;
    this.host.requestUpdate();
  }

  async #ask(before: number | null, accept: (slice: Slice<T>) => void): Promise<void> {
    try {
      accept(await this.ask(before));
      this.problem = undefined;
    } catch (problem) {
      this.problem = asError(problem);
    }
    this.host.requestUpdate();
  }
}
