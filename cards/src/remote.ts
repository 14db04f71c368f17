// What a card asked an action for: the last good answer, what went wrong, and when to ask again.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import { messageOf } from "./texts.js";

/** One answer, asked again every `everySeconds` while the card is on screen; the old one stays until the new one is here. */
export class Remote<T> implements ReactiveController {
  value: T | undefined;
  problem = "";
  #timer = 0;
  #asked = 0;
  #isShown = false;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly ask: () => Promise<T> | null,
    private readonly everySeconds: number,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.#isShown = true;
    this.#timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void this.refresh();
    }, this.everySeconds * 1000);
  }

  hostDisconnected(): void {
    this.#isShown = false;
    window.clearInterval(this.#timer);
  }

  /** Home Assistant gives a card its `hass` after it is connected: the first answer is asked for then. */
  hostUpdated(): void {
    if (this.#asked === 0 && this.#isShown) void this.refresh();
  }

  /** Drops the answer, which was of another household, and asks anew; nothing that is on its way is taken. */
  forget(): void {
    if (this.#asked === 0) return;
    this.value = undefined;
    this.problem = "";
    void this.refresh();
  }

  async refresh(): Promise<void> {
    const asking = this.ask();
    if (asking === null) return;
    const mine = (this.#asked += 1);
    try {
      const value = await asking;
      if (mine !== this.#asked) return;
      this.value = value;
      this.problem = "";
    } catch (problem) {
      if (mine !== this.#asked) return;
      this.problem = messageOf(problem);
    }
    this.host.requestUpdate();
  }
}
