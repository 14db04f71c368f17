// What a page reads from the hub: the newest value, or the last one kept; asked again while the page is on screen.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Hub, Kept } from "./hub.js";

type Host = ReactiveControllerHost & { hub: Hub };

export class Reading<T> implements ReactiveController {
  kept: Kept<T> | null = null;
  problem: unknown = null;
  #timer = 0;
  #newest = 0;

  constructor(
    private readonly host: Host,
    private readonly path: () => string,
    private readonly everySeconds = 15,
  ) {
    host.addController(this);
  }

  get value(): T | null {
    return this.kept?.value ?? null;
  }

  hostConnected(): void {
    this.kept = this.host.hub.kept<T>(this.path());
    void this.refresh();
    this.#timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void this.refresh();
    }, this.everySeconds * 1000);
  }

  hostDisconnected(): void {
    window.clearInterval(this.#timer);
    this.#newest += 1;
  }

  async refresh(): Promise<void> {
    const asked = ++this.#newest;
    try {
      const kept = await this.host.hub.read<T>(this.path());
      if (asked !== this.#newest) return;
      this.kept = kept;
      this.problem = null;
    } catch (problem) {
      if (asked !== this.#newest) return;
      this.problem = problem;
    }
    this.host.requestUpdate();
  }
}
