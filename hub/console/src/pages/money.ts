// Money at M-Pesa: what is there against what is owed, what came in, what was asked for, what goes out, and what differs.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { count, day, kes, moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { Comparison, Difference, MpesaState, Receipt, Reconciliation } from "../office-api.js";
import { renderAsk, type Question } from "../parts/ask.js";
import { householdName } from "../parts/household-name.js";
import { icon } from "../parts/icons.js";
import { explain, whenHere, whenListed } from "../parts/pending.js";
import { LongList } from "../long-list.js";
import { Remote } from "../remote.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { officeStyles } from "./office.styles.js";
import "../parts/long-rows.js";
import "../parts/payments.js";

const TABS = ["receipts", "intents", "payouts", "comparisons"] as const;
type Tab = (typeof TABS)[number];

@customElement("es-money")
export class EsMoney extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canChange = false;
  @state() private tab: Tab = "receipts";
  @state() private question: Question | null = null;
  @state() private taken: Comparison | string | null = null;

  readonly #state = new Remote<MpesaState>(this, () => this.api.mpesa(), 10);
  readonly #receipts = new LongList<Receipt>(this, (wanted) => this.api.receipts(wanted), (one) => one.receipt);
  readonly #comparisons = new Remote<Reconciliation[]>(this, () => this.api.reconciliations(), 60);

  protected override render(): TemplateResult {
    const tab = (name: Tab): TemplateResult =>
      html`<button
        aria-pressed=${this.tab === name}
        @click=${() => {
          this.tab = name;
        }}
      >
        ${say(`money.${name}`)}
      </button>`;
    return html`
      <div class="page-head">
        <h1>${say("nav.money")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")}>${TABS.map(tab)}</div>
      </div>
      ${whenHere(this.#state, (found) => this.#renderState(found))}
      ${this.tab === "intents" || this.tab === "payouts"
        ? html`<es-payments .api=${this.api} .overview=${this.overview} .of=${this.tab} .canChange=${this.canChange}></es-payments>`
        : html`<section class="card">
            ${this.tab === "receipts"
              ? whenListed(this.#receipts, () => this.#renderReceipts(), "money.no_receipts")
              : html`${this.canChange ? this.#renderTaking() : nothing}${whenHere(this.#comparisons, (all) => this.#renderComparisons(all))}`}
          </section>`}
      ${renderAsk(this.question, () => { this.question = null; })}
    `;
  }

  #renderState(found: MpesaState): TemplateResult {
    const told = found.at_mpesa;
    return html`${found.payouts_stopped === null
        ? nothing
        : html`<p class="notice bad" role="status">${icon("alert")}<span>${say("money.stopped", { why: found.payouts_stopped })}</span></p>`}
      <section class="summary">
        <div class="card"><span>${say("money.books")}</span><b>${kes(found.trust_cents)}</b></div>
        <div class="card">
          <span>${say("money.at_mpesa")}</span>
          <b>${told === null ? "–" : kes(told.cents)}</b>
          <small>${told === null ? say("money.not_told") : say("money.told", { when: moment(told.at, this.#now(), currentLanguage()) })}</small>
        </div>
        <div class="card">
          <span>${say("money.suspense")}</span><b class=${found.suspense_cents > 0 ? "ill" : ""}>${kes(found.suspense_cents)}</b>
          <small>${say("money.suspense_means")}</small>
        </div>
        <div class="card"><span>${say("money.open")}</span><b>${count(found.open)}</b></div>
      </section>`;
  }

  #renderReceipts(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#receipts}
      .label=${say("money.receipts")}
      .head=${html`<th>${say("money.receipt")}</th>
        <th>${say("money.from")}</th>
        <th>${say("money.reference")}</th>
        <th>${say("money.channel")}</th>
        <th>${say("money.paid_at")}</th>
        <th class="right">${say("money.amount")}</th>
        <th><span class="hidden-text">${say("money.give_back")}</span></th>`}
      .row=${(one: Receipt) => this.#renderReceipt(one)}
      look="cards"
    ></es-long-rows>`;
  }

  #renderReceipt(one: Receipt): TemplateResult {
    return html`<tr>
      <td class="lead mono">${one.receipt}</td>
      <td>
        ${one.household_id === null
          ? html`<span class="pill warn">${say("money.nobody")}</span>`
          : html`<a href=${writeRoute("households", one.household_id)}>${householdName(this.overview, one.household_id)}</a>`}
      </td>
      <td class="mono wide-only">${one.reference}</td>
      <td>${sayCode("channel", one.channel)}</td>
      <td class="number">${moment(one.paid_at, this.#now(), currentLanguage())}</td>
      <td class="right tail money">${kes(one.kes * 100)}</td>
      <td class="act">
        ${one.reversal !== null
          ? html`<span class="pill ${one.reversal === "reversed" ? "good" : "warn"}">${sayCode("reversal", one.reversal)}</span>`
          : this.canChange
            ? html`<button class="small" @click=${() => { this.#askReverse(one); }}>${say("money.give_back")}</button>`
            : nothing}
      </td>
    </tr>`;
  }

  #renderTaking(): TemplateResult {
    const taken = this.taken;
    return html`<div class="taking">
      <div>
        <h2>${say("money.take_statement")}</h2>
        <p class="soft">${say("money.take_means")}</p>
      </div>
      <label class="button">
        ${say("money.choose_file")}
        <input class="hidden-text" type="file" accept=".csv,text/csv" @change=${this.#takeStatement} />
      </label>
      ${taken === null
        ? nothing
        : typeof taken === "string"
          ? html`<p class="notice bad" role="alert">${icon("alert")}<span>${taken}</span></p>`
          : html`<p class="notice ${taken.differences.length === 0 ? "good" : "warn"}" role="status">
              ${icon(taken.differences.length === 0 ? "check" : "alert")}
              <span>${say("money.taken", { matched: taken.matched, credited: taken.credited, differences: taken.differences.length })}</span>
            </p>`}
    </div>`;
  }

  #renderComparisons(all: Reconciliation[]): TemplateResult {
    if (all.length === 0) return html`<p class="empty">${say("money.no_comparisons")}</p>`;
    return html`<ul class="rows">
      ${all.map((one) => {
        const isClean = one.differences.length === 0;
        return html`<li>
          <div class="row-head">
            <b>${sayCode("comparison", one.source)} · ${day(one.starts_at, currentLanguage())}</b>
            <span class="pill ${isClean ? "good" : "bad"}">
              ${isClean ? say("money.agrees", { count: one.matched }) : say("money.differs", { count: one.differences.length })}
            </span>
          </div>
          <p class="soft">
            ${say("money.compared", { when: moment(one.made_at, this.#now(), currentLanguage()) })}
            ${one.credited > 0 ? say("money.credited", { count: one.credited }) : nothing}
          </p>
          ${isClean ? nothing : this.#renderDifferences(one.differences)}
        </li>`;
      })}
    </ul>`;
  }

  #renderDifferences(differences: Difference[]): TemplateResult {
    const amount = (cents: number | null): string => (cents === null ? "–" : kes(cents));
    return html`<table>
      <thead>
        <tr>
          <th>${say("money.receipt")}</th>
          <th>${say("money.difference")}</th>
          <th class="right">${say("money.theirs")}</th>
          <th class="right">${say("money.ours")}</th>
        </tr>
      </thead>
      <tbody>
        ${differences.map(
          (one) =>
            html`<tr>
              <td class="mono">${one.receipt}</td>
              <td>${sayCode("difference", one.kind)}</td>
              <td class="right">${amount(one.mpesa_cents)}</td>
              <td class="right">${amount(one.books_cents)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
  }

  #askReverse(one: Receipt): void {
    this.question = {
      name: "give_back",
      title: say("money.give_back_title", { amount: kes(one.kes * 100) }),
      lead: say("money.give_back_means", { receipt: one.receipt }),
      label: say("app.reason"),
      go: say("money.give_back"),
      act: async (reason) => {
        await this.api.reverse(one.receipt, reason);
        await this.#receipts.reload();
      },
    };
  }

  readonly #takeStatement = async (event: Event): Promise<void> => {
    const field = event.target as HTMLInputElement;
    const file = field.files?.[0];
    if (!file) return;
    this.taken = null;
    try {
      this.taken = await this.api.takeStatement(file);
      await Promise.all([this.#comparisons.refresh(), this.#state.refresh(), this.#receipts.reload()]);
    } catch (problem) {
      this.taken = explain(problem);
    } finally {
      field.value = "";
    }
  };

  #now(): number {
    return this.overview?.now ?? 0;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-money": EsMoney;
  }
}
