// The market: the price now, through the day and as expected, what neighbours offer, own orders, selling and buying.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { amount, energy, kes } from "../format.js";
import type { Household } from "../household.js";
import type { Course } from "../parts/chart.js";
import type { Market, OwnOrder, Prices } from "../records.js";
import { Remote } from "../remote.js";
import { cardStyles } from "../style.js";
import { messageOf } from "../texts.js";
import { EnergySwapCard, offerCard } from "./card.js";
import "../parts/chart.js";
import "../parts/order-book.js";

const REFRESH_SECONDS = 60;
/** The least that an order on the spot market is for. */
const LEAST_KWH = 0.1;

@customElement("energy-swap-market-card")
export class EnergySwapMarketCard extends EnergySwapCard {
  static override styles = [
    cardStyles,
    css`
      .price {
        font-size: 30px;
        font-weight: 700;
        letter-spacing: -0.02em;
        line-height: 1.1;
      }
      .price small {
        font-size: 14px;
        font-weight: 400;
        color: var(--soft);
        letter-spacing: 0;
      }
      .orders {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      .orders li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 12px;
        min-height: 48px;
        border-top: 1px solid var(--line);
      }
      .orders span {
        flex: 1 1 140px;
      }
      h3 {
        margin: 0 0 4px;
        font-size: 14px;
        font-weight: 600;
      }
    `,
  ];

  @state() private cancelling = "";
  @state() private problem = "";

  readonly #prices = new Remote<Prices>(this, () => this.household?.act<Prices>("get_prices") ?? null, REFRESH_SECONDS);
  readonly #market = new Remote<Market>(this, () => this.household?.act<Market>("get_market") ?? null, REFRESH_SECONDS / 4);

  protected override show(household: Household): TemplateResult {
    const price = household.number("clearing_price");
    const against = household.number("price_against_week");
    return html`${this.renderHead(this.say("market"), against === null ? nothing : this.#renderAgainst(against))}
      <div class="body">
        <p class="price number">
          ${price === null ? html`<small>${this.say("no_price")}</small>` : html`${amount(price)} <small>KES/kWh ${this.say("last_price")}</small>`}
        </p>
        ${this.#prices.value ? this.#renderPrices(this.#prices.value) : this.#prices.problem ? html`<p class="soft">${this.#prices.problem}</p>` : nothing}
        ${this.#market.value?.book ? html`<energy-swap-order-book .book=${this.#market.value.book} .say=${this.say}></energy-swap-order-book>` : nothing}
        <div class="actions">
          <button
            class="primary"
            @click=${() => {
              this.#askTrade(household, "sell");
            }}
          >
            ${this.say("sell")}
          </button>
          <button
            class="primary"
            @click=${() => {
              this.#askTrade(household, "buy");
            }}
          >
            ${this.say("buy")}
          </button>
          <button
            @click=${() => {
              this.#askLimits(household);
            }}
          >
            ${this.say("my_prices")}
          </button>
        </div>
        ${this.#market.problem ? html`<p class="soft">${this.#market.problem}</p>` : this.#renderOrders(household, this.#market.value?.orders ?? [])}
      </div>`;
  }

  #renderAgainst(percent: number): TemplateResult {
    const word = percent === 0 ? "like_week" : percent < 0 ? "below_week" : "above_week";
    return html`<span class="pill">${this.say(word, { percent: Math.abs(percent) })}</span>`;
  }

  #renderPrices(prices: Prices): TemplateResult {
    const courses: Course[] = [
      { name: this.say("price_was"), colour: "var(--primary-color)", hold: step(prices.past), points: prices.past.map((one) => ({ at: one.start, hold: one.minutes === undefined ? undefined : one.minutes * 60, mid: one.cents_per_kwh === null ? null : one.cents_per_kwh / 100 })) },
      {
        name: this.say("price_expected"),
        colour: "var(--sell)",
        hold: step(prices.expected),
        isDashed: true,
        points: prices.expected.map((one) => ({ at: one.start, mid: one.p50 / 100, low: one.p10 / 100, high: one.p90 / 100 })),
      },
    ];
    return html`<energy-swap-chart
      .courses=${courses.filter((course) => course.points.length > 0)}
      .times=${this.times}
      .word=${(value: number) => amount(value)}
      .now=${prices.now ?? Date.now() / 1000}
      .height=${160}
      unit="KES/kWh"
      label=${this.say("price_chart")}
    ></energy-swap-chart>`;
  }

  #renderOrders(household: Household, orders: readonly OwnOrder[]): TemplateResult | typeof nothing {
    if (orders.length === 0) return nothing;
    return html`<section>
      <h3>${this.say("my_orders")}</h3>
      <ul class="orders">
        ${orders.map(
          (order) =>
            html`<li>
              <span class="number">
                ${this.say(order.side === "sell" ? "order_sell" : "order_buy", { energy: energy(order.remaining_wh / 1000), price: amount(order.limit / 100) })}
              </span>
              <button ?disabled=${this.cancelling === order.id} @click=${() => this.#cancel(household, order)}>${this.say("cancel_order")}</button>
            </li>`,
        )}
      </ul>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
    </section>`;
  }

  async #cancel(household: Household, order: OwnOrder): Promise<void> {
    this.cancelling = order.id;
    this.problem = "";
    try {
      await household.act("cancel_order", { order: order.id });
      await this.#market.refresh();
    } catch (problem) {
      this.problem = messageOf(problem);
    } finally {
      this.cancelling = "";
    }
  }

  #askTrade(household: Household, side: "sell" | "buy"): void {
    const price = side === "sell" ? "minimum_price" : "maximum_price";
    const suggested = household.number(side === "sell" ? "suggested_sell_price" : "suggested_buy_price");
    const tokens = household.number("token_balance");
    if (side === "sell" && tokens !== null && tokens < LEAST_KWH) {
      this.ask({ title: this.say(side), lead: this.say("nothing_to_sell", { energy: energy(tokens) }), fields: [], act: () => Promise.resolve("") });
      return;
    }
    this.ask({
      title: this.say(side),
      lead: side === "sell" ? this.say("sell_means", { energy: energy(tokens ?? 0) }) : this.say("buy_means"),
      go: this.say(side),
      fields: [
        { name: "energy", label: this.say("energy"), unit: "kWh", step: 0.001, min: LEAST_KWH, value: side === "sell" && tokens !== null ? tokens : 1 },
        {
          name: price,
          label: this.say(side === "sell" ? "at_least" : "at_most"),
          unit: "KES/kWh",
          step: 0.01,
          min: 0,
          value: suggested,
          ...(suggested === null ? {} : { hint: this.say("suggested", { price: amount(suggested) }) }),
        },
      ],
      sum: (values) => {
        const total = (values.energy ?? 0) * (values[price] ?? 0);
        return total > 0 ? this.say(side === "sell" ? "comes_to_at_least" : "comes_to_at_most", { amount: kes(total) }) : "";
      },
      act: async (values) => {
        const answer = await household.act<{ status?: string; filled_wh?: number; remaining_wh?: number }>(side, values);
        void this.#market.refresh();
        const filled = answer.filled_wh ?? 0;
        if (answer.status === "filled") return this.say(side === "sell" ? "sold_all" : "bought_all", { energy: energy(filled / 1000) });
        return this.say("order_rests", { filled: energy(filled / 1000), rest: energy((answer.remaining_wh ?? 0) / 1000) });
      },
    });
  }

  #askLimits(household: Household): void {
    this.ask({
      title: this.say("my_prices"),
      lead: this.say("my_prices_means"),
      go: this.say("save"),
      fields: [
        { name: "sell_at_least", label: this.say("at_least"), unit: "KES/kWh", step: 0.01, min: 0, value: household.number("sell_limit"), isOptional: true },
        { name: "buy_at_most", label: this.say("at_most"), unit: "KES/kWh", step: 0.01, min: 0, value: household.number("buy_limit"), isOptional: true },
      ],
      act: async (values) => {
        // An empty field ends trading on that side.
        const wish = {
          ...(values.sell_at_least === undefined ? { stop_selling: true } : { sell_at_least: values.sell_at_least }),
          ...(values.buy_at_most === undefined ? { stop_buying: true } : { buy_at_most: values.buy_at_most }),
        };
        await household.act("set_limits", wish);
        return this.say("saved");
      },
    });
  }
}

/** Seconds from one of the rows to the next. */
function step(rows: readonly { start: number }[]): number {
  return rows.length > 1 ? (rows[1]?.start ?? 0) - (rows[0]?.start ?? 0) : 1800;
}

offerCard("energy-swap-market-card", "Energy Swap: market", "The price now and expected, what neighbours offer, your orders, sell and buy.");

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-market-card": EnergySwapMarketCard;
  }
}
