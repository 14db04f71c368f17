// The payments that phones were asked for, or the payouts: each with how it stands in plain words, chosen by its standing.
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { kes, moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { LongList } from "../long-list.js";
import { STANDINGS, type PaymentIntent, type Payout, type Standing } from "../office-api.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { householdName } from "./household-name.js";
import { whenListed } from "./pending.js";
import "./long-rows.js";

const HUES: Record<string, string> = { paid: "good", failed: "bad", review: "warn", unknown: "warn" };

@customElement("es-payments")
export class EsPayments extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    tableStyles,
    css`
      .card-head {
        flex-wrap: wrap;
      }
      .why,
      .sub {
        display: block;
        font-size: 13px;
        color: var(--ink-soft);
        font-weight: 400;
      }
      .money {
        font-weight: 640;
      }
      .pill {
        white-space: normal;
      }
      .decide {
        display: inline-flex;
        align-items: center;
        font-size: 13px;
        font-weight: 600;
        margin-left: 4px;
      }
      @media (pointer: coarse), (max-width: 700px) {
        .decide {
          min-height: var(--touch);
        }
      }
      @media (min-width: 701px) {
        .how {
          width: 28%;
        }
      }
      @media (max-width: 700px) {
        .segments {
          width: 100%;
        }
        .segments button {
          flex: 1 1 auto;
          padding: 0 6px;
        }
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  /** Which of the two lists. */
  @property() of: "intents" | "payouts" = "intents";
  @property({ type: Boolean }) canChange = false;
  @state() private standing: Standing | null = null;

  readonly #isShifting = (): boolean => this.standing !== null;
  readonly #intents = new LongList<PaymentIntent>(
    this,
    (wanted) => (this.of === "intents" ? this.api.paymentIntents(wanted, this.standing) : Promise.resolve({ items: [], total: 0 })),
    (one) => one.id,
    10,
    this.#isShifting,
  );
  readonly #payouts = new LongList<Payout>(
    this,
    (wanted) => (this.of === "payouts" ? this.api.payouts(wanted, this.standing) : Promise.resolve({ items: [], total: 0 })),
    (one) => one.id,
    10,
    this.#isShifting,
  );

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.get("of") !== undefined) void this.#restart();
  }

  async #restart(): Promise<void> {
    await (this.of === "intents" ? this.#intents : this.#payouts).restart();
  }

  protected override render(): TemplateResult {
    const choice = (standing: Standing | null): TemplateResult =>
      html`<button
        aria-pressed=${this.standing === standing}
        @click=${() => {
          this.standing = standing;
          void this.#restart();
        }}
      >
        ${say(`standing.${standing ?? "all"}`)}
      </button>`;
    return html`<section class="card">
      <div class="card-head">
        <h2>${say(`money.${this.of}_title`)}</h2>
        <div class="segments" role="group" aria-label=${say("money.which")}>${[null, ...STANDINGS].map(choice)}</div>
      </div>
      ${this.of === "intents"
        ? whenListed(this.#intents, () => this.#renderIntents(), this.standing === null ? "money.no_intents" : "money.none_so")
        : whenListed(this.#payouts, () => this.#renderPayouts(), this.standing === null ? "money.no_payouts" : "money.none_so")}
    </section>`;
  }

  #renderIntents(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#intents}
      .label=${say("money.intents_title")}
      .head=${html`<th>${say("money.household")}</th>
        <th>${say("money.purpose")}</th>
        <th class="how">${say("money.state")}</th>
        <th>${say("money.asked_at")}</th>
        <th>${say("money.ended_at")}</th>
        <th>${say("money.reference")}</th>
        <th class="right">${say("money.amount")}</th>`}
      .row=${(one: PaymentIntent) =>
        html`<tr>
          <td class="lead">${this.#household(one.household)}</td>
          <td>${sayCode("purpose", one.purpose.split(":")[0] ?? "")}</td>
          <td>${this.#renderState("payment_state", one)}</td>
          <td class="number">${this.#when(one.created_at)}</td>
          <td class="number wide-only">${one.ended_at === null ? "–" : this.#when(one.ended_at)}</td>
          <td class="mono">${one.reference}${one.receipt === null ? nothing : html`<span class="sub">${one.receipt}</span>`}</td>
          <td class="right tail money">${whole(one.kes)}</td>
        </tr>`}
      look="cards"
    ></es-long-rows>`;
  }

  #renderPayouts(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#payouts}
      .label=${say("money.payouts_title")}
      .head=${html`<th>${say("money.household")}</th>
        <th class="how">${say("money.state")}</th>
        <th>${say("money.asked_at")}</th>
        <th>${say("money.ended_at")}</th>
        <th>${say("money.receipt")}</th>
        <th class="right">${say("money.fee")}</th>
        <th class="right">${say("money.amount")}</th>`}
      .row=${(one: Payout) =>
        html`<tr>
          <td class="lead">${this.#household(one.household)}</td>
          <td>${this.#renderState("payout_state", one)}</td>
          <td class="number">${this.#when(one.created_at)}</td>
          <td class="number wide-only">${one.ended_at === null ? "–" : this.#when(one.ended_at)}</td>
          <td class="mono">${one.receipt ?? html`<span class="wide-only">–</span>`}</td>
          <td class="right">${one.fee_cents === null ? html`<span class="wide-only">–</span>` : html`<span class="narrow-only">${say("money.fee")} </span>${kes(one.fee_cents)}`}</td>
          <td class="right tail money">${whole(one.kes)}</td>
        </tr>`}
      look="cards"
    ></es-long-rows>`;
  }

  #renderState(group: string, one: PaymentIntent | Payout): TemplateResult {
    const isLate = "given_up_at" in one && one.given_up_at !== null && one.state !== "failed";
    return html`<span class="pill ${HUES[one.state] ?? ""}">${sayCode(group, one.state)}</span>
      ${one.review === null
        ? nothing
        : html`<a class="decide" href=${writeRoute("reviews", String(one.review))}>${say(this.canChange ? "money.decide" : "money.see_case")}</a>`}
      ${isLate ? html`<span class="why">${say("money.given_up")}</span>` : nothing}
      ${one.reason === null || one.review !== null ? nothing : html`<span class="why">${one.reason}</span>`}`;
  }

  #household(id: string): TemplateResult {
    return html`<a href=${writeRoute("households", id)}>${householdName(this.overview, id)}</a>`;
  }

  #when(unix: number): string {
    return moment(unix, this.overview?.now ?? unix, currentLanguage());
  }
}

/** Whole shillings: M-Pesa moves no cents. */
const whole = (shillings: number): string => kes(shillings * 100).replace(/\.00$/, "");

declare global {
  interface HTMLElementTagNameMap {
    "es-payments": EsPayments;
  }
}
