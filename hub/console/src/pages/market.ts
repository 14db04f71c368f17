// The market: cleared periods with the curves of the chosen one, the order book, auctions, and every trade.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Advice, Auction, HubApi, Market, Overview, Period, PeriodDetail, Trade } from "../api.js";
import { amount, dayKey, day, energy, kes, moment, periodSpan, periodStart } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { householdName } from "../parts/household-name.js";
import { whenHere, whenListed } from "../parts/pending.js";
import { LongList } from "../long-list.js";
import { Remote } from "../remote.js";
import { go, writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { marketStyles } from "./market.styles.js";
import "../parts/advice.js";
import "../parts/curve-chart.js";
import "../parts/long-rows.js";
import "../parts/order-book.js";

const isOpen = (auction: Auction): boolean => auction.state === "open";

@customElement("es-market")
export class EsMarket extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, marketStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  /** The chosen period; without one, the latest cleared period. */
  @property() chosen: string | null = null;

  readonly #periods = new LongList<Period>(this, (wanted) => this.api.partOfPeriods(wanted), (one) => one.period);
  readonly #advice = new Remote<Advice>(this, () => this.api.advice(), 60);
  readonly #market = new Remote<Market>(this, () => this.api.market(), 5);
  readonly #trades = new LongList<Trade>(this, (wanted) => this.api.trades(wanted), (one) => String(one.id));
  readonly #detail = new Remote<PeriodDetail | null>(this, async () => (this.#wanted === undefined ? null : this.api.period(this.#wanted)), 60);
  #wanted: string | undefined;

  protected override willUpdate(): void {
    const wanted = this.chosen ?? this.#periods.at(0)?.period;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    void this.#detail.refresh();
  }

  protected override render(): TemplateResult {
    return html`
      <div class="page-head"><h1>${say("nav.market")}</h1></div>
      <section class="card advice" aria-labelledby="advice-title">
        <div class="card-head"><h2 id="advice-title">${say("advice.title")}</h2><span class="soft">${say("advice.never")}</span></div>
        ${whenHere(this.#advice, (advice) => html`<es-advice .advice=${advice}></es-advice>`)}
      </section>
      <div class="layout">
        <section class="card periods" aria-labelledby="periods-title">
          <div class="card-head"><h2 id="periods-title">${say("market.periods")}</h2></div>
          ${whenListed(this.#periods, () => this.#renderPeriods())}
        </section>
        <section class="card curves" aria-labelledby="curves-title">${this.#renderDetail()}</section>
        <section class="card book" aria-labelledby="book-title">
          <div class="card-head"><h2 id="book-title">${say("market.book")}</h2><span class="soft">${say("market.book_help")}</span></div>
          ${whenHere(this.#market, ({ book }) => html`<es-order-book .book=${book} .nameOf=${this.#nameOf}></es-order-book>`)}
        </section>
        <section class="card auctions" aria-labelledby="auctions-title">
          <div class="card-head"><h2 id="auctions-title">${say("market.auctions")}</h2></div>
          ${whenHere(this.#market, ({ auctions }) => this.#renderAuctions(auctions))}
        </section>
        <section class="card trades" aria-labelledby="trades-title">
          <div class="card-head"><h2 id="trades-title">${say("market.trades")}</h2></div>
          ${whenListed(this.#trades, () => this.#renderTrades())}
        </section>
      </div>
    `;
  }

  readonly #nameOf = (household: string): string => householdName(this.overview, household);

  #now(): number {
    return this.overview?.now ?? 0;
  }

  #renderPeriods(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#periods}
      .label=${say("market.periods")}
      .head=${html`<th>${say("market.period")}</th>
        <th class="right">KES/kWh</th>
        <th class="right">${say("market.traded")}</th>`}
      .row=${(one: Period, row: number) => this.#renderPeriod(one, this.#periods.at(row - 1))}
    ></es-long-rows>`;
  }

  /** `later` is the period in the row above. */
  #renderPeriod(one: Period, later: Period | undefined): TemplateResult {
    const start = periodStart(one.period);
    const isNewDay = later !== undefined && dayKey(periodStart(later.period)) !== dayKey(start);
    return html`<tr
      class="pick ${one.period === this.#wanted ? "picked" : ""}"
      @click=${() => {
        go(writeRoute("market", one.period));
      }}
    >
      <td>
        ${isNewDay ? html`<small class="day">${day(start, currentLanguage())}</small>` : nothing}
        <button class="link number" aria-pressed=${one.period === this.#wanted}>${periodSpan(one.period, one.minutes)}</button>
      </td>
      <td class="right price">
        ${one.cents_per_kwh !== null ? amount(one.cents_per_kwh) : html`<span class="pill">${say("market.no_price")}</span>`}
      </td>
      <td class="right">${one.traded_wh === 0 ? "–" : energy(one.traded_wh)}</td>
    </tr>`;
  }

  #renderDetail(): TemplateResult {
    return whenHere(this.#detail, (one) => {
      if (one === null) return html`<div class="card-head"><h2 id="curves-title">${say("market.curves")}</h2></div><p class="empty">${say(this.#periods.isLoaded ? "market.none" : "app.loading")}</p>`;
      const start = periodStart(one.period);
      const paid = one.trades.reduce((total, trade) => total + trade.cents, 0);
      return html`<div class="card-head">
          <h2 id="curves-title">${say("market.curves")}, ${day(start, currentLanguage())} ${periodSpan(one.period, one.minutes)}</h2>
          <span class="pill ${({ settled: "good", review: "bad" })[one.state] ?? "warn"}">${sayCode("state", one.state)}</span>
        </div>
        <div class="answer">
          <div>
            <b>${one.cents_per_kwh === null ? say("market.no_price") : kes(one.cents_per_kwh)}</b>${say(one.cents_per_kwh === null ? "market.no_crossing" : "live.per_kwh")}
          </div>
          <div><b>${kes(paid)}</b>${say("market.paid")}</div>
          <div><b>${energy(one.traded_wh)}</b>${say("market.traded_in", { count: one.trades.length })}</div>
        </div>
        <es-curve-chart .period=${one} .retail=${this.overview?.community.retail_tariff ?? 0}></es-curve-chart>
        ${one.trades.length > 0
          ? html`<details>
              <summary>${say("market.who", { count: one.trades.length })}</summary>
              <ul>
                ${one.trades.map(
                  (trade) => html`<li><span>${this.#nameOf(trade.seller)} → ${this.#nameOf(trade.buyer)}</span><span class="number"><b>${kes(trade.cents)}</b> · ${energy(trade.wh)}</span></li>`,
                )}
              </ul>
            </details>`
          : nothing}`;
    });
  }

  #renderAuctions(auctions: Auction[]): TemplateResult {
    if (auctions.length === 0) return html`<p class="empty">${say("market.no_auctions")}</p>`;
    return html`<ul class="lots">
      ${[...auctions.filter(isOpen), ...auctions.filter((one) => !isOpen(one))].map((one) => {
        const left = Math.max(0, one.ends_at - this.#now());
        return html`<li>
          <div>
            <b>${energy(one.wh)}</b> ${say("market.from", { name: this.#nameOf(one.seller) })}
            <span class="soft">${isOpen(one) && left > 0 ? say("market.ends_in", { minutes: Math.ceil(left / 60) }) : sayCode("state", one.state)}</span>
          </div>
          <div class="bid">
            <b>${kes(one.best_bid ?? one.start_price)}/kWh</b>
            <span class="soft">${one.leader === null ? say("market.start_price") : say(isOpen(one) ? "market.leads" : "market.won", { name: this.#nameOf(one.leader) })}</span>
          </div>
        </li>`;
      })}
    </ul>`;
  }

  #renderTrades(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#trades}
      .label=${say("market.trades")}
      .head=${html`<th style="width:15%">${say("market.when")}</th>
        <th>${say("market.parties")}</th>
        <th class="right" style="width:11%">KES</th>
        <th class="right" style="width:11%">KES/kWh</th>
        <th class="right" style="width:12%">${say("market.quantity")}</th>
        <th style="width:15%">${say("market.market")}</th>`}
      .row=${(one: Trade) => this.#renderTrade(one)}
      look="cards"
    ></es-long-rows>`;
  }

  #renderTrade(one: Trade): TemplateResult {
    return html`<tr>
      <td class="number soft">${moment(one.at, this.#now(), currentLanguage())}</td>
      <td class="lead">
        <span
          ><a href=${writeRoute("households", one.seller)}>${this.#nameOf(one.seller)}</a> →
          <a href=${writeRoute("households", one.buyer)}>${this.#nameOf(one.buyer)}</a></span
        >
      </td>
      <td class="right price tail">${amount(one.cents)}</td>
      <td class="right">${amount(one.cents_per_kwh)}<span class="unit">/kWh</span></td>
      <td class="right">${energy(one.wh)}</td>
      <td><span class="pill" title=${one.reference}>${sayCode("market_kind", one.market)}</span></td>
    </tr>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-market": EsMarket;
  }
}
