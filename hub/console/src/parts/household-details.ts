// One household opened beside the table: wallet, energy, wishes, meter and admission.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Advice, Household, HubApi } from "../api.js";
import { energy, exactEnergy, kes, moment, percent, power } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement, type Word } from "../language.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import "./member-file.js";
import { icon } from "./icons.js";
import "./key-text.js";

@customElement("es-household-details")
export class EsHouseholdDetails extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    css`
      dialog {
        position: fixed;
        inset: 0 0 0 auto;
        width: min(440px, 100%);
        height: 100dvh;
        max-width: none;
        max-height: none;
        margin: 0;
        border: 0;
        border-left: 1px solid var(--line);
        background: var(--card);
        color: var(--ink);
        padding: 16px 20px 32px;
        overflow-y: auto;
        box-shadow: -12px 0 48px rgb(0 0 0 / 16%);
      }
      dialog::backdrop {
        background: rgb(10 16 13 / 40%);
      }
      .top {
        display: flex;
        justify-content: space-between;
        align-items: start;
        gap: 12px;
        margin-bottom: 14px;
      }
      h1 {
        padding-top: 8px;
      }
      /* It is focused so that it is read out; nothing can be done with it. */
      h1:focus-visible {
        outline: none;
      }
      .balances {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 10px;
        margin-bottom: 6px;
      }
      .balances > div {
        background: var(--sunk);
        border-radius: 12px;
        padding: 12px 14px;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .balances b {
        display: block;
        font-size: 20px;
        letter-spacing: -0.02em;
        color: var(--ink);
        font-variant-numeric: tabular-nums;
        margin: 2px 0;
      }
      h2 {
        margin: 20px 0 4px;
      }
      dl > div {
        display: flex;
        justify-content: space-between;
        align-items: center;
        gap: 16px;
        min-height: 38px;
        padding: 4px 0;
        border-bottom: 1px solid var(--line);
        font-size: 14px;
      }
      dl > div:last-child {
        border-bottom: 0;
      }
      dt {
        color: var(--ink-soft);
      }
      dd {
        text-align: right;
        font-weight: 560;
        font-variant-numeric: tabular-nums;
      }
      dd small {
        display: block;
        font-size: 13px;
        font-weight: 400;
        color: var(--ink-soft);
      }
      .ask,
      .asked {
        margin-top: 18px;
      }
      .note {
        background: var(--bad-wash);
        color: var(--bad);
        border-radius: 12px;
        padding: 10px 14px;
        margin-top: 12px;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ type: Boolean }) canChange = false;
  @state() private question: Question | null = null;
  @state() private asked = "";
  @property({ attribute: false }) household!: Household;
  @property({ attribute: false }) guidance: Advice["guidance"] | undefined;
  @property({ type: Number }) now = 0;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
  }

  protected override render(): TemplateResult {
    const one = this.household;
    const { wallet } = one;
    const row = (word: Word, value: unknown): TemplateResult => html`<div><dt>${say(word)}</dt><dd>${value}</dd></div>`;
    const limit = (cents: number | null, suggested: number | null | undefined): TemplateResult =>
      html`${cents === null ? say("details.no_limit") : `${kes(cents)}/kWh`}${suggested
        ? html`<small>${say("details.suggested", { price: kes(suggested) })}</small>`
        : nothing}`;
    return html`<dialog data-dialog="household" aria-labelledby="name" @close=${this.#closed} @click=${this.#backdrop}>
      <div class="top">
        <div>
          <h1 id="name" tabindex="-1" autofocus>${one.name}</h1>
          <p class="soft">${one.household} · ${sayCode("role", one.role)} · ${sayCode("status", one.status)}</p>
        </div>
        <button class="quiet" aria-label=${say("app.close")} @click=${this.#close}>${icon("close")}</button>
      </div>
      <div class="balances">
        <div>
          ${say("details.money")}<b>${kes(wallet.kes_cents)}</b>${wallet.kes_held_cents > 0 ? say("details.held", { quantity: kes(wallet.kes_held_cents) }) : nothing}
        </div>
        <div>
          ${say("details.tokens")}<b>${exactEnergy(wallet.ekwh_wh)}</b>${wallet.ekwh_held_wh > 0
            ? say("details.held", { quantity: exactEnergy(wallet.ekwh_held_wh) })
            : nothing}
        </div>
      </div>
      ${one.quarantined > 0 ? html`<p class="note">${say("details.quarantined", { count: one.quarantined })}</p>` : nothing}
      <h2>${say("details.trade")}</h2>
      <dl>
        ${row("details.earned", kes(one.earned_cents))} ${row("details.spent", kes(one.spent_cents))} ${row("households.sold", energy(one.sold_wh))}
        ${row("households.bought", energy(one.bought_wh))} ${row("details.sell_at_least", limit(one.sell_at_least, this.guidance?.suggested_sell))}
        ${row("details.buy_at_most", limit(one.buy_at_most, this.guidance?.suggested_buy))}
      </dl>
      <h2>${say("details.reputation")}</h2>
      ${this.#reputation(row)}
      <h2>${say("details.meter")}</h2>
      <dl>
        ${row(
          "households.now",
          one.net_w === null ? "–" : say(one.net_w < 0 ? "households.gives" : "households.takes", { quantity: power(Math.abs(one.net_w)) }),
        )}
        ${row("households.reading", one.last_reading_at === null ? "–" : moment(one.last_reading_at, this.now, currentLanguage()))}
        ${row("details.rated", one.rated_pv_w > 0 ? power(one.rated_pv_w) : "–")} ${row("details.meter_key", html`<es-key text=${one.meter}></es-key>`)}
      </dl>
      <h2>${say("details.member")}</h2>
      <dl>
        ${row("details.phone", one.phone_masked)} ${row("details.address", html`<es-key text=${one.address}></es-key>`)}
        ${row("details.account", html`<es-key text=${one.account}></es-key>`)}
        ${row("details.signatures", say("details.of", { count: one.signatures, needed: one.signatures_needed }))}
      </dl>
      <es-member-file
        .api=${this.api}
        .household=${one.household}
        .name=${one.name}
        .now=${this.now}
        .canChange=${this.canChange}
      ></es-member-file>
      ${this.canChange ? this.#renderAsk() : nothing}
      ${renderAsk(this.question, () => { this.question = null; })}
    </dialog>`;
  }

  /** The way to ask the approvers to suspend a member, or to let one in again. */
  #renderAsk(): TemplateResult | typeof nothing {
    const kind = ({ admitted: "suspend", suspended: "readmit" } as const)[this.household.status];
    if (kind === undefined) return nothing;
    if (this.asked) return html`<p class="asked" role="status">${this.asked}</p>`;
    return html`<p class="ask">
      <button
        @click=${() => {
          this.#ask(kind);
        }}
      >
        ${say(`details.${kind}`)}
      </button>
      ${kind === "readmit" && this.household.wallet.kes_cents > 0
        ? html`<button
            @click=${() => {
              this.#askPayOut();
            }}
          >
            ${say("details.pay_out")}
          </button>`
        : nothing}
    </p>`;
  }

  /** A suspended household asks for nothing: an admin has its money sent to its own phone. */
  #askPayOut(): void {
    const { household, name, wallet } = this.household;
    this.question = {
      name: "pay_out",
      title: say("details.pay_out_title", { name }),
      lead: say("details.pay_out_means", { amount: kes(wallet.kes_cents) }),
      label: say("app.reason"),
      go: say("details.pay_out"),
      act: async (reason) => {
        const paid = await this.api.payOut(household, reason);
        this.asked = say("details.paid_out", { amount: kes(100 * paid.kes) });
      },
    };
  }

  #ask(kind: "suspend" | "readmit"): void {
    const { household, name } = this.household;
    this.question = {
      name: kind,
      title: say(`details.${kind}_title`, { name }),
      lead: say(`details.${kind}_means`),
      label: say("app.reason"),
      go: say("details.ask_approvers"),
      act: async (reason) => {
        await this.api.propose({ kind, household, reason });
        this.asked = say("details.asked");
      },
    };
  }

  /** The score and, in one sentence, the facts that it comes from. */
  #reputation(row: (word: Word, value: unknown) => TemplateResult): TemplateResult {
    const { reputation, reputation_facts: facts } = this.household;
    const told = [
      facts.contracts > 0 ? say("details.kept", { percent: percent((10_000 * facts.delivered_wh) / facts.promised_wh), quantity: energy(facts.promised_wh) }) : "",
      facts.top_ups > 0 ? say("details.paid", { count: facts.paid, needed: facts.top_ups }) : "",
      facts.ended > 0 ? say("details.cancelled", { count: facts.cancelled, needed: facts.ended }) : "",
    ].filter((one) => one !== "");
    return html`<dl>${row("details.score", percent(reputation))}</dl>
      <p class="soft">${told.length === 0 ? say("details.newcomer") : say("details.remembered", { facts: told.join(", ") })}</p>`;
  }

  #close(): void {
    this.renderRoot.querySelector("dialog")?.close();
  }

  #backdrop(event: MouseEvent): void {
    if (event.target === event.currentTarget && event.clientX < (event.target as HTMLElement).getBoundingClientRect().left) this.#close();
  }

  #closed(): void {
    this.dispatchEvent(new Event("closed"));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-household-details": EsHouseholdDetails;
  }
}
