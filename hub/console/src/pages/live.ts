// The one screen that tells the story: who makes, who uses, what it costs now, what the day brought, and that all is well.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { amount, clockWithSeconds, count, energy, energyParts, kes, longDay, periodSpan } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import type { FeedStatus } from "../live-feed.js";
import type { MapView } from "../parts/community-map.js";
import { icon, type IconName } from "../parts/icons.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { liveStyles } from "./live.styles.js";
import "../parts/community-map.js";
import "../parts/price-chart.js";
import "../parts/price-scale.js";

@customElement("es-live")
export class EsLive extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, liveStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property() feed: FeedStatus = "connecting";
  @state() private view: MapView = "now";

  readonly #periods = new Remote(this, () => this.api.periods(96), 20);
  #lastPeriod: string | undefined;

  protected override willUpdate(): void {
    const period = this.overview?.clearing?.period;
    if (period !== undefined && this.#lastPeriod !== undefined && period !== this.#lastPeriod) void this.#periods.refresh();
    this.#lastPeriod = period;
  }

  protected override render(): TemplateResult {
    const overview = this.overview;
    if (!overview) return html`<p class="waiting" role="status">${say("live.waiting")}</p>`;
    return html`
      <h1 class="hidden-text">${say("nav.live")}</h1>
      <div class="screen">
        ${this.#renderMap(overview)} ${this.#renderPrice(overview)} ${this.#renderMoney(overview)} ${this.#renderEnergy(overview)}
        ${this.#renderChart(overview)}
      </div>
      ${this.#renderHealth(overview)}
    `;
  }

  #renderMap(overview: Overview): TemplateResult {
    const { clearing } = overview;
    const choose = (view: MapView) => () => {
      this.view = view;
    };
    return html`<section class="card map" aria-labelledby="map-title">
      <div class="card-head">
        <h2 id="map-title">${say("live.flow")}</h2>
        <div class="segments" role="group" aria-label=${say("live.view")}>
          <button aria-pressed=${this.view === "now"} @click=${choose("now")}>${say("live.now")}</button>
          <button aria-pressed=${this.view === "last"} ?disabled=${!clearing} @click=${choose("last")}>
            ${clearing ? periodSpan(clearing.period, clearing.minutes) : say("live.last")}
          </button>
        </div>
      </div>
      <es-community-map class=${this.feed === "lost" ? "stale" : ""} .overview=${overview} .view=${this.view}></es-community-map>
    </section>`;
  }

  #renderPrice({ clearing, community, now }: Overview): TemplateResult {
    const length = community.period_minutes * 60;
    const left = Math.ceil((length - (now % length)) / 60);
    const price = clearing?.cents_per_kwh ?? null;
    return html`<section class="card price" aria-labelledby="price-title">
      <div class="card-head">
        <h2 id="price-title">${say("live.price")}</h2>
        <span class="soft time"
          ><span class="pulse ${this.feed}" aria-hidden="true"></span>${longDay(now, currentLanguage())}, <span class="number">${clockWithSeconds(now)}</span></span
        >
      </div>
      <p class="hero">
        ${price === null ? html`<b class="none">${say("live.no_price")}</b>` : html`<span>KES</span><b>${amount(price)}</b><span>${say("live.per_kwh")}</span>`}
      </p>
      <p class="soft">
        <span
          >${clearing
            ? say("live.cleared", { span: periodSpan(clearing.period, clearing.minutes), traded: energy(clearing.traded_wh) })
            : say("live.not_cleared")}</span
        >
        <span>${say("live.next", { minutes: left })}</span>
      </p>
      <es-price-scale .price=${price} .feedIn=${community.feed_in_tariff} .retail=${community.retail_tariff} .fees=${community.fees_cents_per_kwh}></es-price-scale>
    </section>`;
  }

  #renderMoney({ today, ledger }: Overview): TemplateResult {
    return html`<section class="card money" aria-labelledby="money-title">
      <h2 id="money-title">${say("live.money")}</h2>
      <p class="figure"><b>${kes(today.turnover_cents)}</b></p>
      <p class="soft">${say("live.turnover")}</p>
      <dl>
        <div><dt>${say("live.paid_in")}</dt><dd>${kes(today.paid_in_cents)}</dd></div>
        <div><dt>${say("live.paid_out")}</dt><dd>${kes(today.paid_out_cents)}</dd></div>
        <div><dt>${say("live.trust")}</dt><dd>${kes(Math.abs(ledger.trust_cash_cents))}</dd></div>
      </dl>
    </section>`;
  }

  #renderEnergy({ today }: Overview): TemplateResult {
    const most = Math.max(1, today.generated_wh, today.consumed_wh);
    const [figure, unit] = energyParts(today.traded_wh);
    const bar = (word: "live.generated" | "live.consumed" | "live.traded", wh: number, kind: string): TemplateResult =>
      html`<div class="bar ${kind}">
        <dt>${say(word)}</dt>
        <dd>${energy(wh)}</dd>
        <span aria-hidden="true"><i style="width:${((wh / most) * 100).toFixed(1)}%"></i></span>
      </div>`;
    return html`<section class="card energy" aria-labelledby="energy-title">
      <h2 id="energy-title">${say("live.energy")}</h2>
      <p class="figure"><b>${figure}</b> ${unit}</p>
      <p class="soft">${say("live.traded_today")}</p>
      <dl class="bars">
        ${bar("live.generated", today.generated_wh, "make")} ${bar("live.consumed", today.consumed_wh, "use")} ${bar("live.traded", today.traded_wh, "trade")}
      </dl>
    </section>`;
  }

  #renderChart({ now, community }: Overview): TemplateResult {
    return html`<section class="card chart" aria-labelledby="chart-title">
      <div class="card-head"><h2 id="chart-title">${say("live.day")}</h2></div>
      ${this.#periods.problem && !this.#periods.value ? html`<p class="soft">${this.#periods.problem.message}</p>` : nothing}
      <es-price-chart
        .periods=${this.#periods.value ?? []}
        .now=${Math.floor(now / 60) * 60}
        .retail=${community.retail_tariff}
        .feedIn=${community.feed_in_tariff}
      ></es-price-chart>
    </section>`;
  }

  #renderHealth({ ledger, chain, today, payments_open, reviews_open }: Overview): TemplateResult {
    const item = (isWell: boolean, words: string, path: string, sign: IconName = isWell ? "check" : "alert"): TemplateResult =>
      html`<a href=${path} class=${isWell ? "well" : "ill"}>${icon(sign, 18)}<span>${words}</span></a>`;
    const isWhole = chain.supply_wh === ledger.ekwh_outstanding_wh;
    const pairs = { supply: energy(chain.supply_wh), ledger: energy(ledger.ekwh_outstanding_wh) };
    return html`<section class="health" aria-label=${say("live.health")}>
      ${item(ledger.is_balanced, say(ledger.is_balanced ? "health.balanced" : "health.unbalanced"), "/ledger")}
      ${item(isWhole, say(isWhole ? "health.whole" : "health.not_whole", pairs), "/chain")}
      ${item(reviews_open === 0, say(reviews_open === 0 ? "health.no_reviews" : "health.reviews", { count: reviews_open }), "/reviews")}
      ${payments_open > 0 ? html`<span>${say("health.payments", { count: payments_open })}</span>` : nothing}
      <span>${say("health.tokens", { minted: energy(today.minted_wh), burned: energy(today.burned_wh) })}</span>
      <span class="number">${chain.cluster} · ${say("health.slot", { slot: count(chain.slot) })}${
        chain.pending > 0 ? html` · ${say("health.pending", { count: chain.pending })}` : nothing
      }</span>
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-live": EsLive;
  }
}
