// The app's one way to the hub: pairing, the PIN, reading with the last answer kept for when there is no network, and signed wishes.
import type { Session } from "./answers.js";
import { envelope, forgetKey, loadKey, makeKey, requestHeader, type PhoneKey } from "./keys.js";
import { leaveBrowser } from "./push.js";

const BASE = "/api/v1/app";
const KEPT = "energy-swap.kept.";
const CLOCK = "energy-swap.clock";

/** What the hub refused, or status 0 when it cannot be reached; `key` and `numbers` say the detail where it has words for it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly key = "",
    readonly numbers: Record<string, number> = {},
  ) {
    super(detail);
  }
}

/** A value, since when it is so (the phone's milliseconds), and whether it is from before the network was lost. */
export interface Kept<T> {
  value: T;
  at: number;
  isOld: boolean;
}

interface Begun {
  pairing: string;
  time: number;
}

export class Hub {
  session: Session | null = null;
  #key: PhoneKey | null = null;
  readonly #underWay = new Set<Promise<unknown>>();
  /** How far the hub's clock is ahead of the phone's, in seconds. */
  #ahead = Number(localStorage.getItem(CLOCK) ?? 0);

  /** `onLocked` is told when the PIN has to be typed (again), `onUnpaired` when the phone was removed. */
  constructor(
    private readonly onLocked: () => void,
    private readonly onUnpaired: () => void,
  ) {}

  get isPaired(): boolean {
    return this.#key !== null;
  }

  /** The hub's time, in Unix seconds. */
  now(): number {
    return Math.floor(Date.now() / 1000) + this.#ahead;
  }

  /** Looks for the phone's key, and for a session that still lasts. */
  async begin(): Promise<void> {
    this.#key = await loadKey();
    if (!this.#key) return;
    try {
      this.#opened(await this.#ask<Session>("GET", "/session"));
    } catch (problem) {
      if (!(problem instanceof Refused && [0, 401].includes(problem.status))) throw problem;
    }
  }

  async askForCode(phone: string): Promise<string> {
    const begun = await this.#ask<Begun>("POST", "/pairing", { phone });
    this.#setClock(begun.time);
    return begun.pairing;
  }

  async pair(pairing: string, code: string, pin: string, name: string): Promise<void> {
    const key = await makeKey();
    try {
      this.#opened(await this.#signed<Session>(key, "/pairing/finish", { pairing, code, pin, name }));
    } catch (problem) {
      await forgetKey();
      throw problem;
    }
    this.#key = key;
  }

  async unlock(pin: string): Promise<void> {
    if (!this.#key) return;
    this.#setClock((await this.#ask<{ time: number }>("GET", "/info")).time);
    try {
      this.#opened(await this.#signed<Session>(this.#key, "/unlock", { pin }));
    } catch (problem) {
      if (problem instanceof Refused && problem.code === "not_paired") await this.forget();
      throw problem;
    }
  }

  /** Ends the session, once what is under way in it is through. */
  async lock(): Promise<void> {
    const session = this.session;
    this.onLocked();
    await Promise.allSettled([...this.#underWay]);
    this.session = null;
    if (session) await this.#fetch("POST", "/lock", null, { "X-CSRF-Token": session.csrf });
  }

  /** Forgets the key and all that was kept; the household sees the phone as removed when it still can be told. */
  async forget(): Promise<void> {
    if (this.session) await this.#ask("POST", `/phones/${this.session.device}/revoke`).catch(() => undefined);
    await leaveBrowser();
    await forgetKey();
    for (const name of Object.keys(localStorage)) if (name.startsWith(KEPT)) localStorage.removeItem(name);
    this.#key = null;
    this.session = null;
    this.onUnpaired();
  }

  /** What was last read of `path`, whenever that was. */
  kept<T>(path: string): Kept<T> | null {
    const text = localStorage.getItem(KEPT + path);
    return text === null ? null : { ...(JSON.parse(text) as { value: T; at: number }), isOld: true };
  }

  /** Reads `path`; without network it is what was last read. */
  async read<T>(path: string): Promise<Kept<T>> {
    try {
      const value = await this.#ask<T>("GET", path);
      const now = Date.now();
      localStorage.setItem(KEPT + path, JSON.stringify({ value, at: now }));
      return { value, at: now, isOld: false };
    } catch (problem) {
      const kept = problem instanceof Refused && problem.status === 0 ? this.kept<T>(path) : null;
      if (kept) return kept;
      throw problem;
    }
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#ask<T>("POST", path, body);
  }

  /** Signs a wish of the household with the phone's key and sends it; `id` makes a second try harmless. */
  async wish<T>(kind: string, fields: Record<string, unknown> = {}, id: string = crypto.randomUUID()): Promise<T> {
    if (!this.#key || !this.session) throw new Refused(401, "not_signed_in", "type your PIN first");
    const message = { kind, id, community: this.session.community, sent_at: this.now(), ...fields };
    return this.#ask<T>("POST", "/messages", await envelope(this.#key, message));
  }

  #opened(session: Session): void {
    this.session = session;
    this.#setClock(session.time);
    localStorage.setItem(`${KEPT}session`, JSON.stringify({ value: { ...session, csrf: "" }, at: Date.now() }));
  }

  #setClock(time: number): void {
    this.#ahead = time - Math.floor(Date.now() / 1000);
    localStorage.setItem(CLOCK, String(this.#ahead));
  }

  async #signed<T>(key: PhoneKey, path: string, body: unknown): Promise<T> {
    const text = JSON.stringify(body);
    return this.#fetch<T>("POST", path, text, await requestHeader(key, "POST", BASE + path, text, this.now()));
  }

  #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = method === "POST" && this.session ? { "X-CSRF-Token": this.session.csrf } : {};
    return this.#fetch<T>(method, path, body === undefined ? null : JSON.stringify(body), headers);
  }

  #fetch<T>(method: string, path: string, body: string | null, headers: Record<string, string>): Promise<T> {
    const asked = this.#exchange<T>(method, path, body, headers);
    this.#underWay.add(asked);
    const forget = (): void => {
      this.#underWay.delete(asked);
    };
    asked.then(forget, forget);
    return asked;
  }

  async #exchange<T>(method: string, path: string, body: string | null, headers: Record<string, string>): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(BASE + path, { method, body, headers: body === null ? headers : { ...headers, "Content-Type": "application/json" } });
    } catch {
      throw new Refused(0, "no_network", "");
    }
    if (answer.ok) return (await answer.json()) as T;
    const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string; key?: string; numbers?: Record<string, number> };
    if (answer.status === 401 && problem.code === "not_signed_in" && this.session) {
      this.session = null;
      this.onLocked();
    }
    // A proxy whose hub is away answers in words of its own.
    if (problem.code === undefined) throw new Refused(0, "no_network", "");
    throw new Refused(answer.status, problem.code, problem.detail ?? "", problem.key, problem.numbers);
  }
}
