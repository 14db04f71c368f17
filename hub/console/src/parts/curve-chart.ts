// A period's supply and demand curves, with the price and quantity at which they were cleared.
import { css, html, nothing, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { PeriodDetail } from "../api.js";
import { amount, energy, kes } from "../format.js";
import { say, TranslatedElement } from "../language.js";
import { baseStyles } from "../style/shared.js";
import { demandSteps, roundStep, stepPath, supplySteps } from "./curves.js";

const LEFT = 38;
const BOTTOM = 36;
/** Room for the unit of the prices, above their axis. */
const TOP = 26;
const RIGHT = 12;

@customElement("es-curve-chart")
export class EsCurveChart extends TranslatedElement {
  static override styles = [
    baseStyles,
    css`
      .stage {
        height: 300px;
        position: relative;
      }
      svg {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
      }
      text {
        font: 400 12px/1 var(--font);
        fill: var(--ink-soft);
        font-variant-numeric: tabular-nums;
      }
      text.answer {
        paint-order: stroke;
        stroke: var(--card);
        stroke-width: 5px;
        stroke-linejoin: round;
      }
      .rule {
        stroke: var(--line);
      }
      .curve {
        fill: none;
        stroke-width: 2.5;
        stroke-linejoin: round;
      }
      .supply {
        stroke: var(--make);
      }
      .demand {
        stroke: var(--use);
      }
      .traded {
        fill: var(--brand);
        opacity: 0.12;
      }
      .level {
        stroke: var(--brand);
        stroke-width: 1.5;
        stroke-dasharray: 5 4;
      }
      .point {
        fill: var(--brand);
        stroke: var(--card);
        stroke-width: 3;
      }
      .answer {
        font-weight: 680;
        font-size: 14px;
        fill: var(--ink);
        paint-order: stroke;
        stroke: var(--card);
        stroke-width: 5px;
        stroke-linejoin: round;
      }
      .legend {
        margin-top: 4px;
        display: flex;
        flex-wrap: wrap;
        gap: 4px 18px;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .legend span::before {
        content: "";
        display: inline-block;
        width: 14px;
        height: 3px;
        border-radius: 2px;
        margin: 0 7px 3px 0;
        background: var(--tone);
      }
    `,
  ];

  @property({ attribute: false }) period!: PeriodDetail;
  @property({ type: Number }) retail = 0;
  @state() private size = { width: 0, height: 0 };

  readonly #watch = new ResizeObserver(([entry]) => {
    if (entry) this.size = { width: entry.contentRect.width, height: entry.contentRect.height };
  });

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch.disconnect();
  }

  protected override firstUpdated(): void {
    const stage = this.renderRoot.querySelector(".stage");
    if (stage) this.#watch.observe(stage);
  }

  protected override render(): TemplateResult {
    return html`<div class="stage">${this.size.width > 0 ? this.#draw() : nothing}</div>
      <div class="legend">
        <span style="--tone:var(--make)">${say("curves.supply", { quantity: energy(this.period.supply_wh) })}</span>
        <span style="--tone:var(--use)">${say("curves.demand", { quantity: energy(this.period.demand_wh) })}</span>
      </div>`;
  }

  #draw(): SVGTemplateResult {
    const { width, height } = this.size;
    const { orders, cents_per_kwh: price, traded_wh: traded } = this.period;
    const supply = supplySteps(orders);
    const demand = demandSteps(orders);
    const mostWh = Math.max(supply.at(-1)?.toWh ?? 0, demand.at(-1)?.toWh ?? 0, 100) * 1.04;
    const mostCents = Math.max(this.retail, ...orders.map((order) => order.limit), 100) * 1.08;
    const foot = height - BOTTOM;
    const x = (wh: number): number => LEFT + (wh / mostWh) * (width - LEFT - RIGHT);
    const y = (cents: number): number => foot - (cents / mostCents) * (foot - TOP);
    const priceStep = roundStep(mostCents, 4);
    const energyStep = roundStep(mostWh, width > 480 ? 6 : 3);
    const marks = (most: number, step: number): number[] => Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
    const label =
      price === null ? say("live.no_price") : say("curves.label", { price: kes(price), quantity: energy(traded) });
    return svg`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
      ${marks(mostCents, priceStep).map(
        (cents) => svg`<line class="rule" x1=${LEFT} x2=${width - RIGHT} y1=${y(cents)} y2=${y(cents)}></line>
          <text x=${LEFT - 8} y=${y(cents) + 4} text-anchor="end">${cents / 100}</text>`,
      )}
      ${marks(mostWh, energyStep).map((wh) => svg`<text x=${x(wh)} y=${foot + 16} text-anchor="middle">${Number((wh / 1000).toFixed(3))}</text>`)}
      <text x=${width - RIGHT} y=${height - 3} text-anchor="end">kWh</text>
      <text x="0" y="11">KES/kWh</text>
      ${price === null ? nothing : svg`<rect class="traded" x=${LEFT} y=${y(price)} width=${Math.max(0, x(traded) - LEFT)} height=${foot - y(price)}></rect>`}
      <path class="curve supply" d=${stepPath(supply, x, y)}${supply.length > 0 ? `V${TOP}` : ""}></path>
      <path class="curve demand" d=${stepPath(demand, x, y)}${demand.length > 0 ? `V${foot}` : ""}></path>
      ${price === null ? nothing : this.#drawCrossing(x(traded), y(price), foot, width, price, traded)}
    </svg>`;
  }

  #drawCrossing(x: number, y: number, foot: number, width: number, price: number, traded: number): SVGTemplateResult {
    const isLate = x > width * 0.6;
    return svg`<line class="level" x1=${LEFT} x2=${x} y1=${y} y2=${y}></line><line class="level" x1=${x} x2=${x} y1=${y} y2=${foot}></line>
      <circle class="point" cx=${x} cy=${y} r="7"></circle>
      <text class="answer" x=${x + (isLate ? -12 : 12)} y=${y - 12} text-anchor=${isLate ? "end" : "start"}>${amount(price)} KES · ${energy(traded)}</text>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-curve-chart": EsCurveChart;
  }
}
