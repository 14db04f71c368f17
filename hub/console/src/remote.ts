// What a page fetched from the hub: the last good value, what went wrong, and when to ask again.
import type { ReactiveControllerHost } from "lit";
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
