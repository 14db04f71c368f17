// Money: topping up with the prompt's progress, paying out, the payments, and the month's statement.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { kes, moment } from "../../format.js";
import { currentLanguage } from "../../language-choice.js";
import type { Home, Payment } from "../answers.js";
import { typedShillings } from "../numbers.js";
import { Reading } from "../reading.js";
import { explain, say, sayCode, sayReason } from "../say.js";
import { Page } from "./base.js";
import "./pay-code.js";
import "./statement.js";

const AMOUNTS = [50, 100, 200, 500];
const LEAST_OUT = 10;
const UNDER_WAY = ["queued", "sending", "prompted", "unknown", "confirmed"];

/** How many of the four steps of a top-up are done. */
function stepsDone(payment: Payment): number {
  if (payment.state === "paid") return 4;
  if (payment.state === "confirmed") return 3;
  return payment.state === "prompted" || payment.state === "unknown" ? 1 : 0;
}

@customElement("es-money-page")
export class EsMoneyPage extends Page {
  static override styles = [
    ...Page.styles,
    css`
      ol {
        list-style: none;
        margin: 16px 0 0;
        padding: 0;
        display: grid;
        grid-template-columns: repeat(4, minmax(0, 1fr));
        gap: 6px;
      }
      ol li {
        font-size: 12px;
        line-height: 1.3;
        color: var(--ink-soft);
        text-align: center;
      }
      ol li::before {
        content: "";
        display: block;
        height: 7px;
        border-radius: 4px;
        background: var(--line-strong);
        margin-bottom: 6px;
      }
      ol li.done::before {
        background: var(--brand);
      }
      ol li[aria-current] {
        color: var(--ink);
        font-weight: 620;
      }
      ol li[aria-current]::before {
        background: linear-gradient(90deg, var(--brand) 50%, var(--line-strong) 50%);
        background-size: 200% 100%;
        animation: run 1.6s linear infinite;
      }
      @keyframes run {
        from {
          background-position: 100% 0;
        }
        to {
          background-position: -100% 0;
        }
      }
      @media (prefers-reduced-motion: reduce) {
        ol li[aria-current]::before {
          animation: none;
        }
      }
    `,
  ];

  @state() private kes = 100;
  /** The top-up that this page began. */
  @state() private begun: string | null = null;

  readonly #home = new Reading<Home>(this, () => "/home", 10);
  readonly #payments = new Reading<{ payments: Payment[] }>(this, () => "/payments", 2);

  protected override render(): TemplateResult {
    const home = this.#home.value;
    const payments = this.#payments.value?.payments;
    if (!home || !payments) {
      const problem = this.#home.problem ?? this.#payments.problem;
      return html`<p class="empty" role="status">${problem ? explain(problem) : say("app.loading")}</p>`;
    }
    const wallet = home.state.wallet;
    return html`<h1 class="hidden-text">${say("money.title")}</h1>
      <div class="page two">
        <div class="column">
          <section class="card">
            <p class="label">${say("home.wallet")}</p>
            <p class="big" data-test="wallet">${kes(wallet.kes_cents)}</p>
            ${wallet.kes_held_cents > 0 ? html`<p class="help">${say("home.held", { kes: kes(wallet.kes_held_cents) })}</p>` : nothing}
          </section>
          ${this.#renderTopUp(payments)} <es-pay-code .hub=${this.hub} .home=${home} .kes=${this.kes}></es-pay-code> ${this.#renderPayOut(home)}
        </div>
        <div class="column">${this.#renderPayments(payments)} <es-statement .hub=${this.hub}></es-statement></div>
      </div>`;
  }

  #renderTopUp(payments: Payment[]): TemplateResult {
    const own = payments.find((payment) => payment.id === this.begun) ?? payments.find((payment) => payment.direction === "in" && UNDER_WAY.includes(payment.state));
    return html`<section class="card">
      <h2>${say("money.top_up")}</h2>
      <p class="lead">${say("money.top_up_lead", { phone: this.hub.session?.phone ?? "" })}</p>
      <div class="chips" role="group" aria-label=${say("money.amount")}>
        ${AMOUNTS.map((amount) => html`<button aria-pressed=${this.kes === amount} @click=${() => { this.#choose(amount); }}>${amount}</button>`)}
      </div>
      <input id="in" inputmode="numeric" autocomplete="off" placeholder=${say("money.amount")} aria-label=${say("money.amount")} @input=${this.#typed} />
      <button class="primary block" data-test="top-up" ?disabled=${this.isBusy || (own !== undefined && UNDER_WAY.includes(own.state))} @click=${this.#topUp}>${say("money.ask", { kes: kes(this.kes * 100) })}</button>
      ${own ? this.#renderProgress(own) : nothing} ${this.renderTold("in")}
    </section>`;
  }

  #renderProgress(payment: Payment): TemplateResult {
    if (payment.state === "failed" || payment.state === "review") {
      return html`<p class="tell bad" role="status">${sayCode("payment", payment.state)}${payment.reason ? `: ${sayReason(payment.reason)}` : ""}</p>`;
    }
    const done = stepsDone(payment);
    const steps = ["step.asked", "step.prompt", "step.paid", "step.wallet"] as const;
    return html`<ol data-test="progress" data-done=${done} aria-live="polite">
      ${steps.map((step, n) => html`<li class=${n < done ? "done" : ""} aria-current=${n === done ? "step" : nothing}>${say(step)}</li>`)}
    </ol>`;
  }

  #choose(amount: number): void {
    this.kes = amount;
    const field = this.renderRoot.querySelector<HTMLInputElement>("#in");
    if (field) field.value = "";
  }

  readonly #typed = (event: Event): void => {
    this.kes = typedShillings((event.target as HTMLInputElement).value) ?? 0;
  };

  readonly #topUp = async (): Promise<void> => {
    const amount = this.kes;
    if (amount === 0) {
      this.tell("in", say("money.bad", { least: 1, most: "250,000" }));
      return;
    }
    await this.act("in", async () => {
      this.begun = (await this.hub.wish<{ intent: string }>("top_up", { kes: amount })).intent;
      return "";
    });
    await this.#refresh();
  };

  #renderPayOut(home: Home): TemplateResult {
    const left = Math.max(home.phone_daily_cents - home.phone_spent_cents, 0);
    return html`<section class="card">
      <h2>${say("money.pay_out")}</h2>
      <p class="lead">${say("money.pay_out_lead", { phone: this.hub.session?.phone ?? "" })}</p>
      <form @submit=${this.#payOut}>
        <div class="row">
          <input id="out" inputmode="numeric" autocomplete="off" placeholder=${say("money.amount")} aria-label=${say("money.amount")} />
          <button type="button" class="small" data-test="pay-all" ?disabled=${this.isBusy} @click=${() => this.#send(null)}>${say("money.pay_all")}</button>
        </div>
        <button class="block" ?disabled=${this.isBusy}>${say("money.pay_out")}</button>
      </form>
      ${this.renderTold("out")}
      <p class="help">${say("money.daily", { kes: kes(left) })}</p>
    </section>`;
  }

  readonly #payOut = async (event: Event): Promise<void> => {
    event.preventDefault();
    const amount = typedShillings(this.field("out"));
    if (amount === null || amount < LEAST_OUT) this.tell("out", say("money.bad", { least: LEAST_OUT, most: "250,000" }));
    else await this.#send(amount);
  };

  async #send(amount: number | null): Promise<void> {
    await this.act("out", async () => {
      const sent = await this.hub.wish<{ kes: number }>("pay_out", { kes: amount });
      return `${kes(sent.kes * 100)}: ${say("payment.accepted")}`;
    });
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.#home.refresh(), this.#payments.refresh()]);
  }

  #renderPayments(payments: Payment[]): TemplateResult {
    const language = currentLanguage();
    return html`<section class="card">
      <h2>${say("money.payments")}</h2>
      ${payments.length === 0 ? html`<p class="empty">${say("money.no_payments")}</p>` : nothing}
      <ul class="list" data-test="payments">
        ${payments.slice(0, 8).map((payment) => {
          const word = payment.direction === "out" ? "money.out" : payment.is_for_order ? "money.in_order" : "money.in";
          const hasMoved = payment.state !== "failed";
          const cents = payment.kes * (payment.direction === "in" || !hasMoved ? 100 : -100);
          return html`<li>
            <div class="what"><b>${say(word)}</b><span>${moment(payment.at, this.hub.now(), language)} · ${sayCode("payment", payment.state) ?? payment.state}${payment.state === "failed" && payment.reason ? ` · ${sayReason(payment.reason)}` : ""}</span></div>
            <div class="much ${payment.direction === "in" && payment.state === "paid" ? "plus" : ""}">${kes(cents, hasMoved)}</div>
          </li>`;
        })}
      </ul>
    </section>`;
  }
}
