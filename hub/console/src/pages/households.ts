// All households: money first, then energy, then what the meter does; one can be opened beside the table.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { live } from "lit/directives/live.js";
import type { Household, HubApi, Overview } from "../api.js";
import { amount, energy, moment, power } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { renderMore } from "../parts/more.js";
import { whenHere } from "../parts/pending.js";
import { Remote } from "../remote.js";
import { go, writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import "../parts/approvals.js";
import "../parts/household-details.js";

const PAGE = 50;

const statusKind = (status: string): string => ({ admitted: "good", applied: "warn", suspended: "bad", leaving: "warn" })[status] ?? "";

@customElement("es-households")
export class EsHouseholds extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    tableStyles,
    css`
      .search {
        width: min(320px, 100%);
      }
      .name small {
        display: block;
        color: var(--ink-soft);
        font-weight: 400;
        font-size: 12.5px;
        margin-top: 2px;
      }
      .money {
        font-weight: 640;
      }
      .stale {
        color: var(--bad);
        font-weight: 600;
      }
      .narrow-only {
        display: none;
      }
      @media (max-width: 700px) {
        .narrow-only {
          display: inline;
        }
      }
      .gives {
        color: var(--make-ink);
      }
      .takes {
        color: var(--use-ink);
      }
      .card {
        padding: 6px 10px;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property() chosen: string | null = null;
  @property({ type: Boolean }) canChange = false;
  @state() private tab: "all" | "approvals" = "all";
  @state() private search = "";
  @state() private shown = PAGE;

  readonly #households = new Remote(this, () => this.api.households(), 10);
  readonly #advice = new Remote(this, () => this.api.advice(), 60);

  protected override render(): TemplateResult {
    const all = this.#households.value;
    const chosen = all?.find((one) => one.household === this.chosen);
    return html`
      <div class="page-head">
        <h1>${say("nav.households")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")}>${(["all", "approvals"] as const).map((tab) => this.#renderTab(tab))}</div>
        <input
          ?hidden=${this.tab !== "all"}
          class="search"
          type="search"
          aria-label=${say("households.search")}
          placeholder=${say("households.search")}
          .value=${live(this.search)}
          @input=${(event: InputEvent) => {
            this.search = (event.target as HTMLInputElement).value;
          }}
        />
      </div>
      ${this.tab === "all"
        ? html`<section class="card">${whenHere(this.#households, (households) => this.#renderTable(this.#found(households)))}</section>`
        : html`<es-approvals .api=${this.api} .overview=${this.overview} .canChange=${this.canChange}></es-approvals>`}
      ${chosen
        ? html`<es-household-details .api=${this.api} .canChange=${this.canChange} .household=${chosen} .guidance=${this.#advice.value?.guidance} .now=${this.#now()} @closed=${() => {
            go(writeRoute("households"));
          }}></es-household-details>`
        : nothing}
    `;
  }

  #renderTab(tab: "all" | "approvals"): TemplateResult {
    return html`<button
      aria-pressed=${this.tab === tab}
      @click=${() => {
        this.tab = tab;
      }}
    >
      ${say(`households.${tab}`)}
    </button>`;
  }

  #now(): number {
    return this.overview?.now ?? 0;
  }

  #found(households: Household[]): Household[] {
    const words = this.search.trim().toLowerCase();
    if (words === "") return households;
    return households.filter((one) => [one.household, one.name, one.address, one.meter, one.phone_masked].some((text) => text.toLowerCase().includes(words)));
  }

  /** A meter signs a reading every minute; after a quarter of an hour something is wrong with it or its way here. */
  #isStale(one: Household): boolean {
    return one.status === "admitted" && one.last_reading_at !== null && this.#now() - one.last_reading_at > 900;
  }

  #renderTable(households: Household[]): TemplateResult {
    if (households.length === 0) return html`<p class="empty">${say(this.search ? "households.none_found" : "households.none")}</p>`;
    return html`<table class="cards">
        <thead>
          <tr>
            <th>${say("households.household")}</th>
            <th>${say("households.status")}</th>
            <th class="right">${say("households.wallet")}</th>
            <th class="right">${say("households.earned")}</th>
            <th class="right">${say("households.spent")}</th>
            <th class="right">${say("households.sold")}</th>
            <th class="right">${say("households.bought")}</th>
            <th class="right">${say("households.now")}</th>
            <th class="right">${say("households.reading")}</th>
          </tr>
        </thead>
        <tbody>
          ${households.slice(0, this.shown).map((one) => this.#renderRow(one))}
        </tbody>
      </table>
      ${renderMore(households.length > this.shown, () => {
        this.shown += PAGE;
      })}`;
  }

  #renderRow(one: Household): TemplateResult {
    const path = writeRoute("households", one.household);
    const net = one.net_w === null ? null : (this.overview?.households.find((now) => now.household === one.household)?.net_w ?? one.net_w);
    return html`<tr
      class="pick ${one.household === this.chosen ? "picked" : ""}"
      @click=${() => {
        go(path);
      }}
    >
      <td class="lead name">
        <button class="link" aria-haspopup="dialog">
          <span>${one.name}<small>${one.household} · ${sayCode("role", one.role)}${one.rated_pv_w > 0 ? ` · ${power(one.rated_pv_w)}` : ""}</small></span>
        </button>
      </td>
      <td>
        <span>
          <span class="pill ${statusKind(one.status)}">${sayCode("status", one.status)}</span>
          ${one.status === "applied" ? html`<span class="pill">${one.signatures}/${one.signatures_needed}</span>` : nothing}
          ${one.quarantined > 0 ? html`<span class="pill bad" title=${say("households.quarantined")}>${one.quarantined}</span>` : nothing}
        </span>
      </td>
      <td class="right money tail"><span class="narrow-only">KES&nbsp;</span>${amount(one.wallet.kes_cents)}</td>
      <td class="right wide-only">${amount(one.earned_cents)}</td>
      <td class="right wide-only">${amount(one.spent_cents)}</td>
      <td class="right wide-only">${energy(one.sold_wh)}</td>
      <td class="right wide-only">${energy(one.bought_wh)}</td>
      <td class="right ${net !== null && net < 0 ? "gives" : "takes"}">
        ${net === null ? html`<span class="soft">–</span>` : html`${say(net < 0 ? "households.gives" : "households.takes", { quantity: power(Math.abs(net)) })}`}
      </td>
      <td class="right soft wide-only ${this.#isStale(one) ? "stale" : ""}">
        ${one.last_reading_at === null ? "–" : moment(one.last_reading_at, this.#now(), currentLanguage())}
      </td>
    </tr>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-households": EsHouseholds;
  }
}
