// Home: money first, then energy; what happens now, the day so far, the price in words, and the household's two prices.
import { css, html, nothing, svg, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { clock, energy, kes, power } from "../../format.js";
import { icon } from "../../parts/icons.js";
import type { Home, Period, Periods } from "../answers.js";
import { Reading } from "../reading.js";
import { explain, say, sayCode } from "../say.js";
import { Page } from "./base.js";
import "./limits.js";

const DAY = 86_400;
/** East Africa Time has no summer time. */
const EAST = 3 * 3600;

const dayStart = (now: number): number => Math.floor((now + EAST) / DAY) * DAY - EAST;

@customElement("es-home")
export class EsHome extends Page {
  static override styles = [
    ...Page.styles,
    css`
      .hero {
        background: linear-gradient(150deg, var(--brand), color-mix(in srgb, var(--brand) 72%, #04231a));
        color: var(--brand-ink);
        border: 0;
        padding: 22px 20px 20px;
      }
      .hero .label,
      .hero small {
        color: inherit;
        opacity: 0.94;
      }
      .hero .wallet {
        margin-top: 16px;
        padding-top: 14px;
        border-top: 1px solid color-mix(in srgb, currentColor 26%, transparent);
      }
      .hero .buttons a {
        background: color-mix(in srgb, var(--brand-ink) 94%, transparent);
        color: var(--brand);
        border: 0;
      }
      @media (prefers-color-scheme: dark) {
        .hero {
          background: linear-gradient(150deg, #0e5a40, #0a3527);
          color: #eafff5;
        }
        .hero .buttons a {
          background: #eafff5;
          color: #0a4a34;
        }
      }
      .now {
        display: flex;
        align-items: center;
        gap: 16px;
      }
      .now .dot {
        width: 58px;
        height: 58px;
        border-radius: 19px;
        display: grid;
        place-items: center;
        background: var(--use-wash);
        color: var(--use-ink);
        flex: none;
      }
      .now.gives .dot {
        background: var(--make-wash);
        color: var(--make-ink);
      }
      .now.silent .dot {
        background: var(--sunk);
        color: var(--ink-soft);
      }
      svg.day {
        width: 100%;
        height: 120px;
        display: block;
        margin: 8px 0 4px;
      }
      svg.day .given {
        fill: var(--make);
      }
      svg.day .taken {
        fill: var(--use);
      }
      svg.day line {
        stroke: var(--line-strong);
      }
      .hours {
        display: flex;
        justify-content: space-between;
        font-size: 12px;
        color: var(--ink-soft);
        margin-bottom: 12px;
      }
      .key {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .key::before {
        content: "";
        width: 10px;
        height: 10px;
        border-radius: 3px;
        background: var(--make);
      }
      .key.taken::before {
        background: var(--use);
      }
    `,
  ];

  readonly #home = new Reading<Home>(this, () => "/home", 10);
  readonly #day = new Reading<Periods>(this, () => {
    const since = dayStart(this.hub.now());
    return `/periods?from=${since}&to=${since + DAY}`;
  }, 60);

  protected override render(): TemplateResult {
    const home = this.#home.value;
    if (!home) return html`<p class="empty" role="status">${this.#home.problem ? explain(this.#home.problem) : say("app.loading")}</p>`;
    return html`<h1 class="hidden-text">${say("tab.home")}</h1>
      <div class="page two">
        ${home.state.status === "admitted" ? nothing : html`<p class="tell warn wide">${say("home.suspended")}</p>`}
        ${home.state.is_net_metered ? html`<p class="tell wide">${say("home.net_metered")}</p>` : nothing}
        <div class="column">${this.#renderMoney(home)} ${this.#renderNow(home)} ${this.#renderPrice(home)}</div>
        <div class="column">
          ${this.#renderDay(home)} <es-limits .hub=${this.hub} .home=${home} @changed=${() => this.#home.refresh()}></es-limits>
          ${this.#renderMonth(home)}
        </div>
      </div>`;
  }

  #renderMoney(home: Home): TemplateResult {
    const wallet = home.state.wallet;
    const main = home.has_panels ? home.today.earned_cents : home.today.saved_cents;
    return html`<section class="card hero" aria-label=${say("tab.money")}>
      <p class="label">${say(home.has_panels ? "home.earned" : "home.saved")}</p>
      <p class="big" data-test="main">${kes(main)}</p>
      ${home.has_panels ? nothing : html`<small>${say("home.saved_help")}</small>`}
      <div class="wallet row">
        <div>
          <p class="label">${say("home.wallet")}</p>
          <p class="middle" data-test="wallet">${kes(wallet.kes_cents)}</p>
          ${wallet.kes_held_cents > 0 ? html`<small>${say("home.held", { kes: kes(wallet.kes_held_cents) })}</small>` : nothing}
        </div>
      </div>
      <div class="buttons">
        <a class="button" href="#money">${say("home.top_up")}</a>
        <a class="button" href="#money">${say("home.pay_out")}</a>
      </div>
    </section>`;
  }

  #renderNow(home: Home): TemplateResult {
    const now = home.power;
    const state = now === null ? "silent" : now.net_w < -20 ? "gives" : now.net_w > 20 ? "takes" : "even";
    const text = { silent: "home.silent", gives: "home.giving", takes: "home.taking", even: "home.even" } as const;
    return html`<section class="card now ${state}">
      <span class="dot">${icon(state === "silent" ? "alert" : "live", 28)}</span>
      <div>
        <h2>${say(text[state])}</h2>
        ${now === null ? nothing : html`<p class="middle">${power(Math.abs(now.net_w))}</p>`}
        <p class="help">
          ${now === null ? say("home.silent_help") : nothing}
          ${now !== null && home.has_panels ? html`${say("home.making", { power: power(now.generation_w) })} · ` : nothing}${now === null ? nothing : say("home.at", { time: clock(now.at) })}
        </p>
      </div>
    </section>`;
  }

  #renderPrice(home: Home): TemplateResult {
    const { guidance, clearing, retail_tariff } = home.state;
    const values = { ...guidance.numbers, retail: kes(retail_tariff) };
    const word = `price.${guidance.key}`;
    const last = clearing?.cents_per_kwh;
    return html`<section class="card">
      <h2>${say("price.title")}</h2>
      ${last ? html`<p class="middle">${kes(last)} <span class="label">/ kWh</span></p>` : nothing}
      <p class="soft">${sayCode("price", guidance.key) === null ? guidance.sentence : say(word as "price.like_week", values)}</p>
    </section>`;
  }

  #renderDay(home: Home): TemplateResult {
    const { today } = home;
    const periods = this.#day.value?.periods ?? [];
    return html`<section class="card">
      <div class="row">
        <h2>${say("home.today")}</h2>
        <span><span class="key">${say("home.given")}</span>&ensp;<span class="key taken">${say("home.taken")}</span></span>
      </div>
      ${periods.length === 0 ? html`<p class="empty">${say("home.chart_empty")}</p>` : this.#renderChart(periods)}
      <div class="figures">
        ${home.has_panels ? html`<div><span class="label">${say("home.made")}</span><b>${energy(today.generation_wh)}</b></div>` : nothing}
        ${home.has_panels ? html`<div><span class="label">${say("home.sold")}</span><b>${energy(today.sold_wh)}</b></div>` : nothing}
        <div><span class="label">${say("home.taken")}</span><b>${energy(today.import_wh)}</b></div>
        <div><span class="label">${say("home.bought")}</span><b>${energy(today.bought_wh)}</b></div>
      </div>
    </section>`;
  }

  #renderChart(periods: Period[]): TemplateResult {
    const since = dayStart(periods[0]?.start ?? 0);
    const most = Math.max(...periods.map((period) => Math.max(period.export_wh, period.import_wh)), 1);
    const second = 480 / (24 * 3600);
    const bars = periods.map((period) => {
      const width = period.minutes * 60 * second;
      const x = (period.start - since) * second + 1;
      const up = (period.export_wh / most) * 56;
      const down = (period.import_wh / most) * 56;
      return svg`<rect class="given" x=${x} y=${59 - up} width=${width - 2} height=${up} rx="2"></rect>
        <rect class="taken" x=${x} y=${61} width=${width - 2} height=${down} rx="2"></rect>`;
    });
    return html`<svg class="day" viewBox="0 0 480 120" preserveAspectRatio="none" role="img" aria-label=${say("home.chart")}>
        ${bars}<line x1="0" x2="480" y1="60" y2="60" stroke-width="1" vector-effect="non-scaling-stroke"></line>
      </svg>
      <div class="hours" aria-hidden="true"><span>00</span><span>06</span><span>12</span><span>18</span><span>24</span></div>`;
  }

  #renderMonth(home: Home): TemplateResult {
    const { month, state } = home;
    return html`<section class="card">
      <h2>${say("home.month")}</h2>
      <div class="figures" style="margin-top:10px">
        ${home.has_panels
          ? html`<div><span class="label">${say("home.month_earned")}</span><b>${kes(month.earned_cents)}</b></div>
              <div><span class="label">${say("home.sold")}</span><b>${energy(month.sold_wh)}</b></div>`
          : html`<div><span class="label">${say("home.month_paid")}</span><b>${kes(month.paid_cents)}</b></div>
              <div><span class="label">${say("home.bought")}</span><b>${energy(month.bought_wh)}</b></div>`}
        <div><span class="label">${say("home.month_saved")}</span><b>${kes(month.saved_cents)}</b></div>
        <div><span class="label">${say("home.tokens")}</span><b>${energy(state.wallet.ekwh_wh)}</b></div>
      </div>
    </section>`;
  }
}
