// The console's frame: who is signed in, which page is shown, the live feed, and the navigation around it.
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { HubApi, type Session } from "./api.js";
import { appStyles } from "./app.styles.js";
import { chooseLanguage, currentLanguage, say, TranslatedElement } from "./language.js";
import { LiveFeed } from "./live-feed.js";
import { icon } from "./parts/icons.js";
import { explain } from "./parts/pending.js";
import { followedLink, go, PAGES, readRoute, writeRoute, type PageName, type Route } from "./route.js";
import { baseStyles, controlStyles } from "./style/shared.js";
import "./pages/sign-in.js";
import "./pages/live.js";
import "./pages/households.js";
import "./pages/market.js";
import "./pages/ledger.js";
import "./pages/money.js";
import "./pages/meters.js";
import "./pages/chain.js";
import "./pages/reviews.js";
import "./pages/settings.js";
import "./pages/office.js";

@customElement("es-console")
export class EsConsole extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, appStyles];

  @state() private session: Session | null | undefined;
  @state() private problem = "";
  @state() private route: Route = readRoute(location.pathname);

  readonly #api = new HubApi(() => {
    this.#signedOut();
  });
  readonly #feed = new LiveFeed(this, this.#api);
  readonly #moved = (): void => {
    const before = this.route.page;
    this.route = readRoute(location.pathname);
    if (this.route.page !== before) window.scrollTo(0, 0);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#moved);
    void this.#begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("popstate", this.#moved);
  }

  protected override updated(changed: PropertyValues): void {
    const page = say(`nav.${this.#pageNow()}`);
    // On a narrow screen the bar of pages scrolls.
    if (changed.has("route") || changed.has("session")) {
      this.renderRoot.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    }
    document.title = this.session ? `${page} · ${this.session.community.name} · Energy Swap` : "Energy Swap";
  }

  protected override render(): TemplateResult {
    if (this.session === undefined) return this.#renderWaiting();
    if (this.session === null) return html`<es-sign-in .api=${this.#api} @signed-in=${this.#signedIn}></es-sign-in>`;
    const session = this.session;
    const otherLanguage = currentLanguage() === "en" ? "SW" : "EN";
    return html`
      <a class="skip" href="#main" @click=${this.#skip}>${say("app.skip")}</a>
      <div @click=${this.#follow}>
        <header>
          <a class="brand" href="/">
            <span class="mark">${icon("swap", 22)}</span>
            <span class="community"><b>${session.community.name}</b><small>Energy Swap</small></span>
          </a>
          ${this.#renderNavigation()} ${this.#renderBadge()}
          <div class="tools">
            <button class="quiet" @click=${this.#switchLanguage} aria-label="${otherLanguage}: ${say("app.switch_language")}" title=${say("app.switch_language")}>
              ${otherLanguage}
            </button>
            <button class="quiet" @click=${this.#signOut} aria-label=${say("app.sign_out")} title="${say("app.sign_out")} (${session.user})">
              ${icon("leave")}
            </button>
          </div>
        </header>
        ${this.#feed.status === "lost" ? html`<p class="lost" role="status">${say("app.lost")}</p>` : nothing}
        <main id="main" tabindex="-1">${this.#renderPage(session)}</main>
      </div>
    `;
  }

  #renderWaiting(): TemplateResult {
    return html`<div class="waiting" role="status">
      <span class="mark">${icon("swap", 34)}</span>
      ${this.problem ? html`<p>${this.problem}</p><button @click=${this.#begin}>${say("app.try_again")}</button>` : nothing}
    </div>`;
  }

  /** An installer enrols meters and sees to the own sign-in; all others read everything. */
  #pages(): readonly PageName[] {
    return this.session?.role === "installer" ? ["meters", "office"] : PAGES;
  }

  #pageNow(): PageName {
    return this.#pages().includes(this.route.page) ? this.route.page : "meters";
  }

  #renderNavigation(): TemplateResult {
    const reviews = this.#feed.overview?.reviews_open ?? 0;
    return html`<nav aria-label=${say("app.pages")}>
      ${this.#pages().map(
        (page) =>
          html`<a href=${writeRoute(page)} aria-current=${page === this.#pageNow() ? "page" : nothing}>
            ${icon(page)}<span>${say(`nav.${page}`)}</span>
            ${page === "reviews" && reviews > 0 ? html`<b class="count" aria-label=${say("app.reviews_open", { count: reviews })}>${reviews}</b>` : nothing}
          </a>`,
      )}
    </nav>`;
  }

  #renderBadge(): TemplateResult | typeof nothing {
    const overview = this.#feed.overview;
    if (!overview) return nothing;
    const isSimulation = overview.community.legal_basis === "simulation" || overview.chain.cluster === "localnet";
    return isSimulation ? html`<span class="pill warn badge" title=${say("app.simulation_help")}>${say("app.simulation")}</span>` : nothing;
  }

  #renderPage(session: Session): TemplateResult {
    const overview = this.#feed.overview;
    const pages: Record<PageName, () => TemplateResult> = {
      live: () => html`<es-live .api=${this.#api} .overview=${overview} .feed=${this.#feed.status}></es-live>`,
      households: () => html`<es-households .api=${this.#api} .overview=${overview} .chosen=${this.route.detail} .canChange=${session.role === "admin"}></es-households>`,
      market: () => html`<es-market .api=${this.#api} .overview=${overview} .chosen=${this.route.detail}></es-market>`,
      ledger: () => html`<es-ledger .api=${this.#api} .overview=${overview} .chosen=${this.route.detail}></es-ledger>`,
      money: () => html`<es-money .api=${this.#api} .overview=${overview} .canChange=${session.role === "admin"}></es-money>`,
      meters: () => html`<es-meters .api=${this.#api} .overview=${overview} .canChange=${session.role === "admin" || session.role === "installer"} .canSwitch=${session.role === "admin"}></es-meters>`,
      chain: () => html`<es-chain .api=${this.#api} .overview=${overview}></es-chain>`,
      reviews: () => html`<es-reviews .api=${this.#api} .overview=${overview} .chosen=${this.route.detail} .canResolve=${session.role === "admin"}></es-reviews>`,
      settings: () => html`<es-settings .api=${this.#api} .overview=${overview} .canChange=${session.role === "admin"}></es-settings>`,
      office: () => html`<es-office .api=${this.#api} .overview=${overview} .session=${session} @changed=${this.#begin}></es-office>`,
    };
    return pages[this.#pageNow()]();
  }

  readonly #begin = async (): Promise<void> => {
    this.problem = "";
    try {
      this.session = await this.#api.session();
      if (this.session) this.#watch(this.session);
    } catch (problem) {
      this.problem = explain(problem);
    }
  };

  #watch(session: Session): void {
    if (session.role !== "installer") this.#feed.open();
  }

  #signedIn(event: CustomEvent<Session>): void {
    this.session = event.detail;
    this.#watch(event.detail);
  }

  #signedOut(): void {
    this.#feed.close();
    this.session = null;
  }

  readonly #signOut = async (): Promise<void> => {
    try {
      await this.#api.signOut();
    } finally {
      this.#signedOut();
    }
  };

  #switchLanguage(): void {
    chooseLanguage(currentLanguage() === "en" ? "sw" : "en");
  }

  #skip(event: Event): void {
    event.preventDefault();
    this.renderRoot.querySelector<HTMLElement>("#main")?.focus();
  }

  #follow(event: MouseEvent): void {
    const path = followedLink(event);
    if (path === null) return;
    event.preventDefault();
    go(path);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-console": EsConsole;
  }
}

