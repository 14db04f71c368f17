// The stream of overviews the hub pushes: connects, reconnects with growing pauses, and says how fresh it is.
import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { HubApi, Overview } from "./api.js";

export type FeedStatus = "connecting" | "live" | "lost";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

export class LiveFeed implements ReactiveController {
  overview: Overview | undefined;
  status: FeedStatus = "connecting";
  #socket: WebSocket | undefined;
  #pause = FIRST_PAUSE_MS;
  #timer = 0;
  #isOpen = false;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly api: HubApi,
  ) {
    host.addController(this);
  }

  hostDisconnected(): void {
    this.close();
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#connect();
  }

  close(): void {
    this.#isOpen = false;
    window.clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
    this.overview = undefined;
    this.status = "connecting";
  }

  #connect(): void {
    // One plain request shows something at once and finds out whether the session still stands.
    this.api.overview().then(
      (overview) => {
        if (this.#isOpen && this.status !== "live") this.#show(overview);
      },
      () => undefined,
    );
    const socket = this.api.openLive();
    this.#socket = socket;
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      if (socket !== this.#socket) return;
      this.status = "live";
      this.#pause = FIRST_PAUSE_MS;
      this.#show(JSON.parse(event.data) as Overview);
    });
    socket.addEventListener("close", () => {
      if (socket === this.#socket && this.#isOpen) this.#retry();
    });
  }

  #retry(): void {
    this.status = "lost";
    this.host.requestUpdate();
    this.#timer = window.setTimeout(() => {
      this.#connect();
    }, this.#pause);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  #show(overview: Overview): void {
    this.overview = overview;
    this.host.requestUpdate();
  }
}
