// Buying and selling in three taps: which side, how much, go; the open orders, and the trades.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { clock, energy, kes, moment } from "../../format.js";
import { currentLanguage } from "../../language-choice.js";
import type { EndedAuction, Home, Order, State, Trade } from "../answers.js";
import { priceText, typedEnergy, typedPrice } from "../numbers.js";
import { Reading } from "../reading.js";
import { explain, say, sayCode } from "../say.js";
import "./auctions.js";
import { Page } from "./base.js";

const AMOUNTS = [500, 1000, 2000, 5000];
const IS_OPEN = ["open", "pending_lock", "reserved", "pending_payment"];
/** How many coming periods are offered to sell in. */
const PERIODS = 4;

@customElement("es-trade")
export class EsTrade extends Page {
  @state() private side: "buy" | "sell" = "buy";
  @state() private wh = 1000;
  @state() private pay: "wallet" | "mpesa" | null = null;
  @state() private period = 0;
  /** The price as it is being typed; without one the price that is proposed. */
  @state() private typed: string | null = null;

  readonly #home = new Reading<Home>(this, () => "/home", 10);
  readonly #orders = new Reading<{ orders: Order[]; trades: Trade[]; auctions: EndedAuction[] }>(this, () => "/orders", 10);

  protected override render(): TemplateResult {
    const home = this.#home.value;
    const found = this.#orders.value;
    if (!home || !found) {
      const problem = this.#home.problem ?? this.#orders.problem;
      return html`<p class="empty" role="status">${problem ? explain(problem) : say("app.loading")}</p>`;
    }
    return html`<h1 class="hidden-text">${say("trade.title")}</h1>
      <div class="page two">
        <div class="column">
        <section class="card">
          <div class="segments" role="group" aria-label=${say("trade.title")}>
            ${(["buy", "sell"] as const).map(
              (side) => html`<button aria-pressed=${this.side === side} @click=${() => { this.side = side; this.typed = null; this.told = null; }}>${say(`trade.${side}`)}</button>`,
            )}
          </div>
          ${this.side === "buy" ? this.#renderBuy(home) : home.has_panels ? this.#renderSell(home) : html`<p class="empty">${say("trade.no_panels")}</p>`}
          ${this.renderTold("trade")}
        </section>
        <es-auctions .hub=${this.hub} .home=${home} .ended=${found.auctions} @bid=${() => this.#refresh()}></es-auctions>
        </div>
        <div class="column">${this.#renderOpen(found.orders.filter((order) => IS_OPEN.includes(order.status)))} ${this.#renderTrades(found.trades)}</div>
      </div>`;
  }

  #renderAmount(): TemplateResult {
    return html`<div class="field" style="margin-top:16px">
      <span class="label" id="how-much">${say("trade.how_much")}</span>
      <div class="chips" role="group" aria-labelledby="how-much">
        ${AMOUNTS.map((wh) => html`<button aria-pressed=${this.wh === wh} @click=${() => { this.#choose(wh); }}>${energy(wh)}</button>`)}
      </div>
      <input id="amount" inputmode="decimal" autocomplete="off" placeholder=${say("trade.other_amount")} aria-label=${say("trade.other_amount")} @input=${this.#typedAmount} />
    </div>`;
  }

  #choose(wh: number): void {
    this.wh = wh;
    const field = this.renderRoot.querySelector<HTMLInputElement>("#amount");
    if (field) field.value = "";
  }

  readonly #typedAmount = (event: Event): void => {
    this.wh = typedEnergy((event.target as HTMLInputElement).value) ?? 0;
  };

  readonly #typedPrice = (event: Event): void => {
    this.typed = (event.target as HTMLInputElement).value;
  };

  /** The typed price where it is one, else the proposed one. */
  #price(proposed: number): number {
    const typed = this.typed === null ? null : typedPrice(this.typed);
    return typed === null || typed === "off" ? proposed : typed;
  }

  #renderBuy(home: Home): TemplateResult {
    const best = home.state.book.best_sell;
    const proposed = best?.cents_per_kwh ?? home.state.standing_order.buy_at_most ?? home.state.guidance.suggested_buy ?? home.state.retail_tariff - home.state.fees;
    const price = this.#price(proposed);
    const cost = Math.ceil((this.wh * (price + home.state.fees)) / 1000);
    const pay = this.pay ?? (cost > home.state.wallet.kes_cents && best ? "mpesa" : "wallet");
    return html`${this.#renderAmount()}
      <p class="help">${best ? say("trade.buy_offer", { price: kes(best.cents_per_kwh) }) : say("trade.buy_no_offer")}</p>
      <div class="field">
        <label for="price">${say("trade.buy_limit")} <span class="soft">(${say("limits.per")})</span></label>
        <input id="price" inputmode="decimal" autocomplete="off" .value=${this.typed ?? priceText(proposed)} @input=${this.#typedPrice} />
      </div>
      <div class="segments" role="group" aria-label=${say("tab.money")} style="margin-top:14px">
        <button aria-pressed=${pay === "wallet"} @click=${() => { this.pay = "wallet"; }}>${say("trade.pay_wallet")}</button>
        <button aria-pressed=${pay === "mpesa"} ?disabled=${!best} @click=${() => { this.pay = "mpesa"; }}>${say("trade.pay_mpesa")}</button>
      </div>
      ${home.state.allowance_wh < this.wh ? html`<p class="tell warn">${say("trade.allowance", { energy: energy(Math.max(home.state.allowance_wh, 0)) })}</p>` : nothing}
      <button class="primary block" data-test="go" ?disabled=${this.isBusy} @click=${() => this.#buy(pay)}>${say("trade.buy_now", { energy: energy(this.wh) })}</button>
      <p class="help" style="text-align:center">${say("trade.cost", { kes: kes(cost) })}</p>`;
  }

  #renderSell(home: Home): TemplateResult {
    const { state } = home;
    const proposed = state.book.best_buy?.cents_per_kwh ?? state.standing_order.sell_at_least ?? state.guidance.suggested_sell ?? state.clearing?.cents_per_kwh ?? 1000;
    const price = this.#price(proposed);
    const starts = this.#comingPeriods(home);
    const start = starts.includes(this.period) ? this.period : (starts[0] ?? 0);
    return html`${this.#renderAmount()}
      <div class="field">
        <label for="when">${say("trade.sell_when")}</label>
        <select id="when" @change=${(event: Event) => { this.period = Number((event.target as HTMLSelectElement).value); }}>
          ${starts.map((at) => html`<option value=${at} ?selected=${at === start}>${clock(at)}–${clock(at + lengthAt(state, at))}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="price">${say("trade.sell_price")} <span class="soft">(${say("limits.per")})</span></label>
        <input id="price" inputmode="decimal" autocomplete="off" .value=${this.typed ?? priceText(proposed)} @input=${this.#typedPrice} />
      </div>
      <button class="primary block" data-test="go" ?disabled=${this.isBusy} @click=${() => this.#sell(start)}>${say("trade.sell_now", { energy: energy(this.wh) })}</button>
      <p class="help" style="text-align:center">${say("trade.sell_gain", { kes: kes(Math.floor((this.wh * price) / 1000)) })}</p>
      <p class="help">${say("trade.sell_help")}</p>`;
  }

  /** The starts of the next periods whose gate is open. */
  #comingPeriods(home: Home): number[] {
    const { state, time, gate_periods } = home;
    const now = lengthAt(state, time);
    const starts = [Math.floor(time / now) * now];
    while (starts.length < PERIODS + 1 + gate_periods) starts.push((starts.at(-1) ?? 0) + lengthAt(state, starts.at(-1) ?? 0));
    return starts.slice(1 + gate_periods);
  }

  /** What was typed, or null when it makes no order; then that is said. */
  #wish(): { wh: number; price: number } | null {
    const typed = this.field("amount");
    const wh = typed === "" ? this.wh : typedEnergy(typed);
    const price = typedPrice(this.field("price"));
    if (wh === null || wh === 0) this.tell("trade", say("trade.bad_amount"));
    else if (price === null || price === "off") this.tell("trade", say("limits.bad"));
    else return { wh, price };
    return null;
  }

  async #buy(pay: "wallet" | "mpesa"): Promise<void> {
    const wish = this.#wish();
    if (!wish) return;
    await this.act("trade", async () => {
      await this.hub.wish("buy", { wh: wish.wh, at_most: wish.price, pay });
      this.typed = null;
      return say(pay === "mpesa" ? "trade.prompt" : "trade.placed");
    });
    await this.#refresh();
  }

  async #sell(start: number): Promise<void> {
    const wish = this.#wish();
    if (!wish) return;
    const period = `${new Date(start * 1000).toISOString().slice(0, 16)}Z`;
    await this.act("trade", async () => {
      await this.hub.wish("sell_ahead", { period, wh: wish.wh, at_least: wish.price });
      this.typed = null;
      return say("trade.placed");
    });
    await this.#refresh();
  }

  async #cancel(order: Order): Promise<void> {
    await this.act(order.id, async () => {
      await this.hub.wish("cancel", { order: order.id });
      return "";
    });
    await this.#refresh();
  }

  async #refresh(): Promise<void> {
    await Promise.all([this.#home.refresh(), this.#orders.refresh()]);
  }

  #renderOpen(orders: Order[]): TemplateResult {
    return html`<section class="card">
      <h2>${say("trade.open")}</h2>
      ${orders.length === 0 ? html`<p class="empty">${say("trade.no_open")}</p>` : nothing}
      <ul class="list">
        ${orders.map(
          (order) => html`<li>
            <div class="what">
              <b>${say(`trade.${order.side}`)} ${energy(order.wh)}</b>
              <span>${kes(order.limit)} / kWh${order.period === null ? nothing : html` · ${say("trade.for_period", { span: clock(order.period) })}`} · ${sayCode("status", order.status) ?? order.status}${order.filled_wh > 0 ? html` · ${say("trade.done_of", { done: energy(order.filled_wh), all: energy(order.wh) })}` : nothing}</span>
              ${this.renderTold(order.id)}
            </div>
            ${order.status === "open" ? html`<button class="small" ?disabled=${this.isBusy} @click=${() => this.#cancel(order)}>${say("trade.cancel")}</button>` : nothing}
          </li>`,
        )}
      </ul>
    </section>`;
  }

  #renderTrades(trades: Trade[]): TemplateResult {
    const language = currentLanguage();
    return html`<section class="card">
      <h2>${say("trade.history")}</h2>
      ${trades.length === 0 ? html`<p class="empty">${say("trade.no_history")}</p>` : nothing}
      <ul class="list">
        ${trades.slice(0, 30).map(
          (trade) => html`<li>
            <div class="what">
              <b>${say(trade.side === "sell" ? "trade.sold" : "trade.bought")} ${energy(trade.wh)}</b>
              <span>${moment(trade.at, this.hub.now(), language)} · ${sayCode("market", trade.market) ?? trade.market}</span>
            </div>
            <div class="much ${trade.side === "sell" ? "plus" : ""}">${kes(trade.side === "sell" ? trade.cents : -trade.cents, true)}<span>${kes(trade.cents_per_kwh)} / kWh</span></div>
          </li>`,
        )}
      </ul>
    </section>`;
  }
}

/** Seconds that the period of a time lasts, with a change that is announced. */
function lengthAt(state: State, time: number): number {
  const change = state.period_change;
  return (change && change.from <= time ? change.minutes : state.period_minutes) * 60;
}
