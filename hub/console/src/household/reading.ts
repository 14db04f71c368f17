// What a page reads from the hub: the newest value, or the last one kept; asked again while the page is on screen.
import type { ReactiveControllerHost } from "lit";
import { Asking } from "../asking.js";
import type { Hub, Kept } from "./hub.js";

type Host = ReactiveControllerHost & { hub: Hub };

export class Reading<T> extends Asking<Kept<T>> {
  kept: Kept<T> | null = null;
  problem: unknown = null;
  readonly #page: Host;
  readonly #path: () => string;

  constructor(host: Host, path: () => string, everySeconds = 15) {
    super(host, everySeconds);
    this.#page = host;
    this.#path = path;
  }

  get value(): T | null {
    return this.kept?.value ?? null;
  }

  override hostConnected(): void {
    this.kept = this.#page.hub.kept<T>(this.#path());
    super.hostConnected();
  }

  protected override ask(): Promise<Kept<T>> {
    return this.#page.hub.read<T>(this.#path());
  }

  protected override answered(kept: Kept<T>): void {
    this.kept = kept;
    this.problem = null;
  }

  protected override failed(problem: unknown): void {
    this.problem = problem;
  }
}
