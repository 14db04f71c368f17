// What the sun and the home are expected to do for two days: a band of what is likely, not only a line.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { energy, power } from "../format.js";
import type { Household } from "../household.js";
import type { Word } from "../language.js";
import type { Course } from "../parts/chart.js";
import type { Forecast, ForecastPeriod } from "../records.js";
import { Remote } from "../remote.js";
import { cardStyles } from "../style.js";
import { EnergySwapCard, offerCard } from "./card.js";
import "../parts/chart.js";

type Quantity = "surplus" | "production" | "consumption";

const COLOURS: Record<Quantity, string> = { surplus: "var(--good)", production: "var(--sell)", consumption: "var(--buy)" };

@customElement("energy-swap-forecast-card")
export class EnergySwapForecastCard extends EnergySwapCard {
  static override styles = [
    cardStyles,
    css`
      .days {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
        font-size: 15px;
      }
      .switches {
        display: flex;
        justify-self: start;
        border-radius: 12px;
        background: color-mix(in srgb, var(--soft) 12%, transparent);
        padding: 3px;
      }
      .switches button {
        border: 0;
        min-height: 40px;
        padding: 0 12px;
        border-radius: 9px;
        color: var(--soft);
      }
      .switches button[aria-pressed="true"] {
        background: var(--card-background-color);
        color: var(--primary-text-color);
      }
    `,
  ];

  @state() private shown: Quantity = "surplus";

  readonly #forecast = new Remote<Forecast>(this, () => this.household?.act<Forecast>("get_forecast") ?? null, 300);

  protected override show(household: Household): TemplateResult {
    const forecast = this.#forecast.value;
    return html`${this.renderHead(this.say("forecast"), this.#renderConfidence(household))}
      <div class="body">
        <p class="days">${this.#renderDay("today", household.number("surplus_remaining"))} ${this.#renderDay("tomorrow", household.number("surplus_tomorrow"))}</p>
        <div class="switches" role="group" aria-label=${this.say("what_to_show")}>${(["surplus", "production", "consumption"] as const).map((one) => this.#renderSwitch(one))}</div>
        ${forecast ? this.#renderChart(forecast) : html`<p class="soft">${this.#forecast.problem || this.say("loading")}</p>`}
        ${forecast ? html`<p class="soft">${this.#renderSource(forecast)}</p>` : nothing}
      </div>`;
  }

  #renderConfidence(household: Household): TemplateResult | typeof nothing {
    const percent = household.number("forecast_confidence");
    return percent === null ? nothing : html`<span class="pill">${this.say("confidence", { percent: Math.round(percent) })}</span>`;
  }

  #renderDay(word: Word & ("today" | "tomorrow"), kwh: number | null): TemplateResult | typeof nothing {
    return kwh === null ? nothing : html`<span>${this.say(word === "today" ? "spare_today" : "spare_tomorrow")} <b class="number">${energy(kwh)}</b></span>`;
  }

  #renderSwitch(quantity: Quantity): TemplateResult {
    return html`<button
      aria-pressed=${this.shown === quantity}
      @click=${() => {
        this.shown = quantity;
      }}
    >
      ${this.say(quantity)}
    </button>`;
  }

  #renderChart(forecast: Forecast): TemplateResult {
    const hold = (forecast.periods[0]?.minutes ?? 30) * 60;
    const course: Course = { name: this.say(this.shown), colour: COLOURS[this.shown], hold, points: forecast.periods.map((period) => point(period, this.shown)) };
    return html`<energy-swap-chart
      .courses=${[course]}
      .times=${this.times}
      .word=${(watts: number) => power(watts)}
      .now=${forecast.now ?? Date.now() / 1000}
      .height=${190}
      unit="W"
      label=${this.say("forecast_chart", { what: this.say(this.shown) })}
    ></energy-swap-chart>`;
  }

  #renderSource(forecast: Forecast): string {
    const known = { live: "from_live", cached: "from_cached", history: "from_history", prior: "from_prior" } as const;
    const word = known[forecast.tier as keyof typeof known] as Word | undefined;
    return `${word === undefined ? "" : this.say(word)} ${this.say("made_at", { when: this.times.clock(forecast.made_at) })}`.trim();
  }
}

/** The energy of a period as its average power in W, with the band in which 8 of 10 lie. */
function point(period: ForecastPeriod, quantity: Quantity): { at: number; mid: number; low: number; high: number } {
  const wh = period[`${quantity}_wh`];
  const perHour = 60 / period.minutes;
  return { at: period.start, mid: wh.p50 * perHour, low: wh.p10 * perHour, high: wh.p90 * perHour };
}

offerCard("energy-swap-forecast-card", "Energy Swap: forecast", "Production, consumption and surplus for two days, with the band in which they are likely.");

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-forecast-card": EnergySwapForecastCard;
  }
}
