// What an element asks the hub again and again while it is on screen; an answer that a newer question overtook is dropped.
import type { ReactiveController, ReactiveControllerHost } from "lit";

export abstract class Asking<Answer> implements ReactiveController {
  #timer = 0;
  #newest = 0;

  constructor(
    protected readonly host: ReactiveControllerHost,
    private readonly everySeconds: number,
  ) {
    host.addController(this);
  }

  protected abstract ask(): Promise<Answer>;
  protected abstract answered(answer: Answer): void;
  protected abstract failed(problem: unknown): void;

  hostConnected(): void {
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
