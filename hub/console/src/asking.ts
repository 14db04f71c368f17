// What is asked of the hub again and again while an element is on screen; an answer that a newer question overtook is dropped.
import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Refreshes while its element is on screen, and seen. */
export abstract class WhileSeen implements ReactiveController {
  #timer = 0;

  constructor(
    protected readonly host: ReactiveControllerHost,
    private readonly everySeconds: number,
  ) {
    host.addController(this);
  }

  abstract refresh(): Promise<void>;

  hostConnected(): void {
    void this.refresh();
    this.#timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void this.refresh();
    }, this.everySeconds * 1000);
  }

  hostDisconnected(): void {
    window.clearInterval(this.#timer);
  }
}

export abstract class Asking<Answer> extends WhileSeen {
  #newest = 0;

  protected abstract ask(): Promise<Answer>;
  protected abstract answered(answer: Answer): void;
  protected abstract failed(problem: unknown): void;

  override hostDisconnected(): void {
    super.hostDisconnected();
    this.#newest += 1;
  }

  override async refresh(): Promise<void> {
    const asked = ++this.#newest;
    try {
      const answer = await this.ask();
      if (asked !== this.#newest) return;
      this.answered(answer);
    } catch (problem) {
      if (asked !== this.#newest) return;
      this.failed(problem);
    }
    this.host.requestUpdate();
  }
}
