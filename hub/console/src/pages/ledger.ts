// The ledger: every entry with its postings, the trial balance that must come to zero, each account's statement, closed days.
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Entry, Fund, HubApi, Overview, Posting, TrialBalance } from "../api.js";
import { amount, day, energy, exactEnergy, hour, kes, minutesAt, moment, periodSpan, periodStart } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { accountTitle } from "../parts/account-title.js";
import { entryTitle, inLocalTime } from "../parts/entry-title.js";
import { householdName } from "../parts/household-name.js";
import { icon } from "../parts/icons.js";
import { whenHere, whenListed } from "../parts/pending.js";
import { LongList } from "../long-list.js";
import { Remote } from "../remote.js";
import { go, writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { ledgerStyles } from "./ledger.styles.js";
import "../parts/account-statement.js";
import "../parts/closed-days.js";
import "../parts/long-rows.js";

type Currency = Posting["currency"];
const TABS = ["entries", "balance", "days", "fund"] as const;
type Tab = (typeof TABS)[number];

/** Money first, then energy. */
const CURRENCIES: readonly Currency[] = ["KES", "eKWh"];
const quantity = (currency: Currency, value: number, isSignShown = false): string =>
  currency === "KES" ? amount(value, isSignShown) : exactEnergy(value, isSignShown);

@customElement("es-ledger")
export class EsLedger extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, ledgerStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  /** The account that the address names. */
  @property() chosen: string | null = null;
  @state() private tab: Tab = "entries";

  readonly #entries = new LongList<Entry>(this, (wanted) => this.api.entries(wanted), (one) => String(one.id));
  readonly #open = new Set<number>();
  readonly #balance = new Remote<TrialBalance>(this, () => this.api.trialBalance(), 30);
  readonly #fund = new Remote<Fund>(this, () => this.api.fund(), 60);

  protected override render(): TemplateResult {
    const tab = (name: Tab): TemplateResult =>
      html`<button
        aria-pressed=${this.chosen === null ? this.tab === name : name === "balance"}
        @click=${() => {
          this.tab = name;
          if (this.chosen !== null) go(writeRoute("ledger"));
        }}
      >
        ${say(`ledger.${name}`)}
      </button>`;
    return html`
      <div class="page-head">
        <h1>${say("nav.ledger")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")}>${TABS.map(tab)}</div>
      </div>
      ${this.#renderSummary()}
      ${this.chosen === null
        ? this.#renderTab()
        : html`<es-account-statement .api=${this.api} .overview=${this.overview} account=${this.chosen}></es-account-statement>`}
    `;
  }

  /** Coming back from an account's statement one is at the trial balance again. */
  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("chosen") && this.chosen !== null) this.tab = "balance";
  }

  #renderTab(): TemplateResult {
    return html`<section class="card">
        ${{
          entries: () =>
            html`<p class="export"><span class="soft">${say("ledger.newest_first")}</span> <a download href="/api/v1/console/ledger/entries.csv">${say("ledger.as_csv")}</a></p>
              ${whenListed(this.#entries, () => this.#renderEntries())}`,
          balance: () => whenHere(this.#balance, (balance) => this.#renderBalance(balance)),
          days: () => html`<es-closed-days .api=${this.api}></es-closed-days>`,
          fund: () => whenHere(this.#fund, (fund) => this.#renderFund(fund)),
        }[this.tab]()}
      </section>`;
  }

  #renderSummary(): TemplateResult | typeof nothing {
    const ledger = this.overview?.ledger;
    if (!ledger) return nothing;
    const isCovered = Math.abs(ledger.trust_cash_cents) === ledger.owed_cents;
    return html`<section class="summary">
      <div class="card"><span>${say("ledger.trust")}</span><b>${kes(Math.abs(ledger.trust_cash_cents))}</b></div>
      <div class="card"><span>${say("ledger.owed")}</span><b>${kes(ledger.owed_cents)}</b></div>
      <div class="card"><span>${say("ledger.tokens")}</span><b>${exactEnergy(ledger.ekwh_outstanding_wh)} eKWh</b></div>
      <div class="card state ${ledger.is_balanced && isCovered ? "well" : "ill"}">
        ${icon(ledger.is_balanced && isCovered ? "check" : "alert", 22)}
        <span>${say(!ledger.is_balanced ? "health.unbalanced" : isCovered ? "ledger.covered" : "ledger.not_covered")}</span>
      </div>
    </section>`;
  }

  #renderEntries(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#entries}
      .label=${say("ledger.entries")}
      .row=${(entry: Entry, row: number) => this.#renderEntry(entry, row)}
      look="entries"
      @toggle=${{ handleEvent: this.#toggled, capture: true }}
    ></es-long-rows>`;
  }

  /** An entry that was opened is still open when it comes back into sight. */
  readonly #toggled = (event: Event): void => {
    const details = event.target as HTMLDetailsElement;
    const id = Number(details.dataset.entry);
    if (details.open) this.#open.add(id);
    else this.#open.delete(id);
    this.requestUpdate();
  };

  #renderEntry(entry: Entry, row: number): TemplateResult {
    return html`<li>
      <details data-entry=${entry.id} ?open=${this.#open.has(entry.id)}>
        <summary>
          <span class="when number">${moment(entry.at, this.overview?.now ?? 0, currentLanguage())}</span>
          <span class="text">${this.#title(entry, row)}</span>
          <span class="sums">${this.#moved(entry)}</span>
          <span class="turn">${icon("down", 18)}</span>
        </summary>
        ${this.#open.has(entry.id) ? this.#renderPostings(entry) : nothing}
      </details>
    </li>`;
  }

  #renderPostings(entry: Entry): TemplateResult {
    return html`<div class="postings">
      <table>
        <tbody>
          ${CURRENCIES.flatMap((currency) => entry.postings.filter((posting) => posting.currency === currency)).map(
            (posting) => html`<tr>
              <td><a href=${writeRoute("ledger", posting.account)}>${accountTitle(posting.account, this.overview)}</a></td>
              <td class="right ${posting.amount < 0 ? "minus" : "plus"}">${quantity(posting.currency, posting.amount, true)}</td>
              <td class="currency">${posting.currency}</td>
            </tr>`,
          )}
        </tbody>
      </table>
      <p class="soft origin">
        ${say("ledger.entry", { id: entry.id })} · ${sayCode("source", entry.source)} · <span class="mono">${entry.external_id}</span>
      </p>
    </div>`;
  }

  /** The entry's text; a period's says its time in UTC, which nobody here lives by. */
  #title(entry: Entry, row: number): string {
    if (entry.source !== "period" || Number.isNaN(periodStart(entry.external_id))) return inLocalTime(entryTitle(entry, () => this.#entries.around(row), this.#nameOf));
    const start = periodStart(entry.external_id);
    const span = periodSpan(entry.external_id, minutesAt(this.overview?.community.period_lengths ?? [], start));
    return `${say("market.period")} ${day(start, currentLanguage())} ${span}`;
  }

  readonly #nameOf = (household: string): string => householdName(this.overview, household);

  /** How much an entry moves in each currency, each in its own column: the sum of its positive postings. */
  #moved(entry: Entry): TemplateResult[] {
    const sums = CURRENCIES.map((currency) =>
      entry.postings.filter((posting) => posting.currency === currency && posting.amount > 0).reduce((total, posting) => total + posting.amount, 0),
    );
    const [money = 0, tokens = 0] = sums;
    const isNothing = money === 0 && tokens === 0;
    return [
      html`<span class="money">${money === 0 ? (isNothing ? "–" : nothing) : kes(money)}</span>`,
      html`<span class="tokens">${tokens === 0 ? nothing : `${exactEnergy(tokens)} eKWh`}</span>`,
    ];
  }

  #renderBalance(balance: TrialBalance): TemplateResult {
    return html`<div class="balances">
      ${CURRENCIES.map((currency) => {
        const accounts = balance.accounts.filter((one) => one.currency === currency);
        const community = accounts.filter((one) => !one.account.includes(":"));
        const households = accounts.filter((one) => one.account.includes(":"));
        const total = accounts.reduce((sum, one) => sum + one.balance, 0);
        const row = (one: { account: string; balance: number }): TemplateResult =>
          html`<tr><td><a href=${writeRoute("ledger", one.account)}>${accountTitle(one.account, this.overview)}</a></td><td class="right ${one.balance < 0 ? "minus" : ""}">${quantity(currency, one.balance)}</td></tr>`;
        return html`<table>
          <caption>
            ${currency}
          </caption>
          <tbody>
            <tr class="group"><th colspan="2" scope="rowgroup">${say("ledger.community")}</th></tr>
            ${community.map(row)}
            <tr class="group"><th colspan="2" scope="rowgroup">${say("ledger.households")}</th></tr>
            ${households.map(row)}
          </tbody>
          <tfoot>
            <tr class=${total === 0 ? "well" : "ill"}><td>${say("ledger.total")}</td><td class="right">${quantity(currency, total)}</td></tr>
          </tfoot>
        </table>`;
      })}
    </div>`;
  }

  #renderFund({ fund_cents: cents, policy, rewards }: Fund): TemplateResult {
    return html`<div class="fund">
        <p class="holds">${say("ledger.fund_holds")}<b>${kes(cents)}</b></p>
        <p class="soft">
          ${policy === null
            ? say("ledger.no_policy")
            : say("ledger.policy", {
                share: policy.fund_percent,
                price: kes(policy.cents_per_kwh),
                premium: policy.premium_percent,
                from: hour(policy.peak_from),
                until: hour(policy.peak_until),
              })}
        </p>
      </div>
      ${rewards.length === 0
        ? html`<p class="empty">${say("ledger.no_rewards")}</p>`
        : html`<table class="cards">
            <thead>
              <tr>
                <th>${say("ledger.reward_day")}</th>
                <th class="right">${say("ledger.reward_households")}</th>
                <th class="right">${say("ledger.reward_given")}</th>
                <th class="right">${say("ledger.reward_earned")}</th>
                <th class="right">${say("ledger.reward_paid")}</th>
              </tr>
            </thead>
            <tbody>
              ${rewards.map(
                (one) => html`<tr>
                  <td class="lead">${day(Date.parse(`${one.day}T12:00Z`) / 1000, currentLanguage())}</td>
                  <td class="right">${one.households}<span class="unit">${say("ledger.reward_unit", { count: one.households })}</span></td>
                  <td class="right">${energy(one.export_wh)}</td>
                  <td class="right wide-only">${amount(one.earned_cents)}</td>
                  <td class="right money tail">${amount(one.paid_cents)}</td>
                </tr>`,
              )}
            </tbody>
          </table>`}`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-ledger": EsLedger;
  }
}
