// All households: money first, then energy, then what the meter does; one can be opened beside the table.
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Household, HubApi, Overview } from "../api.js";
import { amount, energy, moment, power } from "../format.js";
import { HouseholdList } from "../household-list.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { renderFind, renderHead, renderSort, renderStandings, type Column } from "../parts/list-controls.js";
import { explain, whenListed } from "../parts/pending.js";
import { Remote } from "../remote.js";
import { go, writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import "../parts/approvals.js";
import "../parts/household-details.js";
import "../parts/long-rows.js";

const STANDINGS = { applied: "status.applied", admitted: "status.admitted", suspended: "status.suspended", leaving: "status.leaving", left: "status.left" } as const;
const JOINED: Column = { sort: "number", word: "households.joined" };
const NAME: Column = { sort: "name", word: "households.household" };
const WALLET: Column = { sort: "wallet", word: "households.wallet", isFalling: true };
const EARNED: Column = { sort: "earned", word: "households.earned", isFalling: true };
const SPENT: Column = { sort: "spent", word: "households.spent", isFalling: true };
const SOLD: Column = { sort: "sold", word: "households.sold", isFalling: true };
const BOUGHT: Column = { sort: "bought", word: "households.bought", isFalling: true };
const READING: Column = { sort: "reading", word: "households.reading" };

const statusKind = (status: string): string => ({ admitted: "good", applied: "warn", suspended: "bad", leaving: "warn" })[status] ?? "";

@customElement("es-households")
export class EsHouseholds extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    tableStyles,
    css`
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
      .gives {
        color: var(--make-ink);
      }
      .takes {
        color: var(--use-ink);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property() chosen: string | null = null;
  @property({ type: Boolean }) canChange = false;
  @state() private tab: "all" | "approvals" = "all";

  readonly #households = new HouseholdList<Household>(this, (choice, wanted) => this.api.households(choice, wanted), "number", 10);
  readonly #opened = new Remote<Household | null>(this, async () => (this.chosen === null ? null : this.api.household(this.chosen)), 10);
  readonly #advice = new Remote(this, () => this.api.advice(), 60);

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("chosen") || !this.hasUpdated) return;
    this.#opened.value = undefined;
    void this.#opened.refresh();
  }

  protected override render(): TemplateResult {
    const opened = this.chosen === null ? null : this.#opened.value;
    return html`
      <div class="page-head">
        <h1>${say("nav.households")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")}>${(["all", "approvals"] as const).map((tab) => this.#renderTab(tab))}</div>
      </div>
      ${this.tab === "all"
        ? html`<section class="card">
            <div class="list-head">${renderFind(this.#households)} ${renderStandings(this.#households, "households.everybody", STANDINGS)} ${renderSort(this.#households, [JOINED, NAME, WALLET, EARNED, SPENT, SOLD, BOUGHT, READING])}</div>
            ${this.chosen !== null && this.#opened.problem ? html`<p class="pill bad" role="alert">${explain(this.#opened.problem)}</p>` : nothing}
            ${whenListed(this.#households.rows, () => this.#renderTable(), this.#households.isEmpty ? "households.none" : "households.none_found")}
          </section>`
        : html`<es-approvals .api=${this.api} .overview=${this.overview} .canChange=${this.canChange}></es-approvals>`}
      ${opened
        ? html`<es-household-details .api=${this.api} .canChange=${this.canChange} .household=${opened} .guidance=${this.#advice.value?.guidance} .now=${this.#now()} @closed=${() => {
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

  /** A meter signs a reading every minute; after a quarter of an hour something is wrong with it or its way here. */
  #isStale(one: Household): boolean {
    return one.status === "admitted" && one.last_reading_at !== null && this.#now() - one.last_reading_at > 900;
  }

  #renderTable(): TemplateResult {
    const head = (column: Column, look = "right"): TemplateResult => renderHead(this.#households, column, look);
    return html`<es-long-rows
      .list=${this.#households.rows}
      .label=${say("households.all")}
      .head=${html`${head(NAME, "name")}
        <th>${say("households.status")}</th>
        ${head(WALLET)} ${head(EARNED)} ${head(SPENT)} ${head(SOLD)} ${head(BOUGHT)}
        <th class="right">${say("households.now")}</th>
        ${head(READING)}`}
      .row=${(one: Household) => this.#renderRow(one)}
      look="cards"
    ></es-long-rows>`;
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
