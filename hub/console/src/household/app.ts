// The app's frame: the door or the pages, the tabs under the thumb, and what is said when there is no network.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { clock } from "../format.js";
import { chooseLanguage, currentLanguage, TranslatedElement } from "../language-choice.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { icon, type IconName } from "../parts/icons.js";
import type { Session } from "./answers.js";
import { Hub } from "./hub.js";
import { look } from "./look.js";
import { keepOn } from "./push.js";
import { say } from "./say.js";
import "./pages/door.js";
import "./pages/home.js";
import "./pages/trade.js";
import "./pages/money.js";
import "./pages/neighbours.js";
import "./pages/more.js";

const TABS = ["home", "trade", "money", "neighbours", "more"] as const;
type Tab = (typeof TABS)[number];
const ICONS: Record<Tab, IconName> = { home: "households", trade: "swap", money: "money", neighbours: "live", more: "office" };

/** After so long without a touch the PIN is asked again. */
const IDLE_SECONDS = 300;

const tabOf = (hash: string): Tab => TABS.find((tab) => `#${tab}` === hash) ?? "home";

@customElement("es-app")
export class EsApp extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    look,
    css`
      .frame {
        max-width: 980px;
        margin: 0 auto;
        padding: calc(10px + env(safe-area-inset-top)) 14px calc(92px + env(safe-area-inset-bottom));
      }
      header {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: 52px;
        margin-bottom: 8px;
      }
      header .who {
        flex: 1;
        min-width: 0;
        line-height: 1.25;
      }
      header .who b,
      header .who small {
        display: block;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      header .who b {
        font-size: 17px;
        font-weight: 680;
      }
      header .who small {
        color: var(--ink-soft);
        font-size: 13px;
      }
      header .mark {
        width: 40px;
        height: 40px;
        border-radius: 13px;
        background: var(--brand);
        color: var(--brand-ink);
        display: grid;
        place-items: center;
        flex: none;
      }
      nav {
        position: fixed;
        inset: auto 0 0;
        background: color-mix(in srgb, var(--card) 94%, transparent);
        backdrop-filter: blur(12px);
        border-top: 1px solid var(--line);
        display: grid;
        grid-template-columns: repeat(5, minmax(0, 1fr));
        padding: 4px max(6px, calc((100vw - 620px) / 2)) calc(4px + env(safe-area-inset-bottom));
        z-index: 2;
      }
      nav a {
        min-height: 56px;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 3px;
        text-decoration: none;
        font-size: 12px;
        font-weight: 580;
        color: var(--ink-soft);
        border-radius: 14px;
      }
      nav a[aria-current] {
        color: var(--brand);
      }
      nav a[aria-current] svg {
        background: var(--brand-wash);
        box-shadow: 0 0 0 5px var(--brand-wash);
        border-radius: 8px;
      }
      .waiting {
        min-height: 100dvh;
        display: grid;
        place-items: center;
        color: var(--ink-soft);
      }
      .offline {
        margin: 0 0 12px;
      }
      main:focus {
        outline: none;
      }
    `,
  ];

  @state() private isReady = false;
  @state() private isOpen = false;
  @state() private isPaired = false;
  @state() private isReading = false;
  @state() private hasNetwork = navigator.onLine;
  @state() private tab: Tab = tabOf(location.hash);

  readonly #hub = new Hub(
    () => {
      this.isOpen = false;
      this.isReading = false;
    },
    () => {
      this.isPaired = false;
      this.isOpen = false;
      this.isReading = false;
    },
  );
  #touchedAt = Date.now();
  #timer = 0;

  readonly #touched = (): void => {
    this.#touchedAt = Date.now();
  };
  readonly #moved = (): void => {
    this.tab = tabOf(location.hash);
    window.scrollTo(0, 0);
  };
  /** A message that the phone showed was pressed: its page is opened. */
  readonly #pressed = (event: MessageEvent<{ open?: string } | null>): void => {
    if (typeof event.data?.open === "string") location.hash = event.data.open;
  };
  readonly #network = (): void => {
    this.hasNetwork = navigator.onLine;
    // With network again and no session: the PIN opens what is newer.
    if (this.hasNetwork && this.isReading) this.isReading = false;
  };
  readonly #watch = (): void => {
    if (this.isOpen && navigator.onLine && Date.now() - this.#touchedAt > IDLE_SECONDS * 1000) void this.#hub.lock().catch(() => undefined);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("hashchange", this.#moved);
    window.addEventListener("online", this.#network);
    window.addEventListener("offline", this.#network);
    window.addEventListener("pointerdown", this.#touched);
    window.addEventListener("keydown", this.#touched);
    if ("serviceWorker" in navigator) navigator.serviceWorker.addEventListener("message", this.#pressed);
    this.#timer = window.setInterval(this.#watch, 5000);
    void this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("hashchange", this.#moved);
    window.removeEventListener("online", this.#network);
    window.removeEventListener("offline", this.#network);
    window.removeEventListener("pointerdown", this.#touched);
    window.removeEventListener("keydown", this.#touched);
    if ("serviceWorker" in navigator) navigator.serviceWorker.removeEventListener("message", this.#pressed);
    window.clearInterval(this.#timer);
  }

  async #begin(): Promise<void> {
    await this.#hub.begin().catch(() => undefined);
    this.isPaired = this.#hub.isPaired;
    this.isOpen = this.#hub.session !== null;
    this.isReading = !this.isOpen && this.isPaired && !navigator.onLine && this.#hub.kept("/home") !== null;
    this.isReady = true;
    if (this.isOpen) this.#keepOn();
  }

  #keepOn(): void {
    void keepOn(this.#hub).catch(() => undefined);
  }

  protected override render(): TemplateResult {
    if (!this.isReady) return html`<div class="waiting" role="status">${say("app.loading")}</div>`;
    if (!this.isOpen && !this.isReading) {
      return html`<es-door .hub=${this.#hub} ?isPaired=${this.isPaired} @opened=${this.#opened} @read-only=${this.#readOnly}></es-door>`;
    }
    const session = this.#hub.session ?? this.#hub.kept<Session>("session")?.value;
    const since = this.#hub.kept<{ time: number }>("/home")?.value.time ?? 0;
    return html`<div class="frame">
        <header>
          <span class="mark">${icon("swap", 22)}</span>
          <span class="who"><b>${session?.name ?? ""}</b><small>${session?.community_name ?? ""}${session?.is_practice ? ` · ${say("app.simulation")}` : ""}</small></span>
          <button class="quiet small" @click=${this.#switch} lang=${currentLanguage() === "en" ? "sw" : "en"}>${say("app.language")}</button>
        </header>
        ${this.hasNetwork ? nothing : html`<p class="tell warn offline" role="status">${say("app.offline", { time: clock(since) })}</p>`}
        <main id="main" tabindex="-1">${this.#renderPage()}</main>
      </div>
      <nav aria-label="Energy Swap">
        ${TABS.map((tab) => html`<a href="#${tab}" aria-current=${tab === this.tab ? "page" : nothing}>${icon(ICONS[tab], 22)}<span>${say(`tab.${tab}`)}</span></a>`)}
      </nav>`;
  }

  #renderPage(): TemplateResult {
    const hub = this.#hub;
    switch (this.tab) {
      case "home":
        return html`<es-home .hub=${hub}></es-home>`;
      case "trade":
        return html`<es-trade .hub=${hub}></es-trade>`;
      case "money":
        return html`<es-money-page .hub=${hub}></es-money-page>`;
      case "neighbours":
        return html`<es-neighbours .hub=${hub}></es-neighbours>`;
      case "more":
        return html`<es-more .hub=${hub}></es-more>`;
    }
  }

  readonly #opened = (): void => {
    this.#touched();
    this.isPaired = true;
    this.isOpen = true;
    this.#keepOn();
  };

  readonly #readOnly = (): void => {
    this.isReading = true;
  };

  readonly #switch = (): void => {
    chooseLanguage(currentLanguage() === "en" ? "sw" : "en");
  };
}
