// The day's prices as steps over bars of traded energy, between what the grid pays and what it asks.
import { css, html, unsafeCSS, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import uPlot from "uplot";
import uPlotStyles from "uplot/dist/uPlot.min.css?inline";
import type { Period } from "../api.js";
import { amount, clock, energy, kes, periodSpan, periodStart } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import { baseStyles } from "../style/shared.js";
import { chartColumns, DAY, midnight } from "./day.js";

@customElement("es-price-chart")
export class EsPriceChart extends TranslatedElement {
  static override styles = [
    unsafeCSS(uPlotStyles),
    baseStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
      }
      .plot {
        flex: 1;
        min-height: 150px;
        position: relative;
        overflow: hidden;
      }
      .plot > .uplot {
        position: absolute;
        inset: 0;
        font-family: var(--font);
      }
      .read {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 16px;
        font-size: 13px;
        color: var(--ink-soft);
        min-height: 20px;
      }
      .read b {
        color: var(--ink);
        font-weight: 600;
      }
      .dot {
        display: inline-block;
        width: 10px;
        height: 10px;
        border-radius: 3px;
        margin-right: 6px;
      }
    `,
  ];

  @property({ attribute: false }) periods: Period[] = [];
  @property({ type: Number }) now = 0;
  /** Cents per kWh. */
  @property({ type: Number }) retail = 0;
  @property({ type: Number }) feedIn = 0;
  @state() private pointed: number | null = null;

  #plot: uPlot | undefined;
  #drawn = "";
  readonly #dark = window.matchMedia("(prefers-color-scheme: dark)");
  readonly #redraw = (): void => {
    this.#drawn = "";
    this.#draw();
  };
  readonly #watch = new ResizeObserver(([entry]) => {
    if (!entry) return;
    const { width, height } = entry.contentRect;
    if (this.#plot) this.#plot.setSize({ width, height });
    else this.#draw();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#dark.addEventListener("change", this.#redraw);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#dark.removeEventListener("change", this.#redraw);
    this.#watch.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#drawn = "";
  }

  protected override render(): TemplateResult {
    return html`<div class="read">${this.#renderReading()}</div>
      <div class="plot" role="img" aria-label=${this.#summary()}></div>`;
  }

  protected override firstUpdated(): void {
    const box = this.renderRoot.querySelector(".plot");
    if (box) this.#watch.observe(box);
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    this.#draw();
  }

  #renderReading(): TemplateResult {
    const [starts] = chartColumns(this.periods, this.now);
    const start = this.pointed === null ? undefined : starts[this.pointed];
    const period = start === undefined ? undefined : this.periods.find((one) => periodStart(one.period) === start);
    if (!period) {
      return html`<span><span class="dot" style="background:var(--brand)"></span>${say("chart.price")}</span>
        <span><span class="dot" style="background:color-mix(in srgb, var(--use) 45%, transparent)"></span>${say("chart.traded")}</span>`;
    }
    return html`<b>${periodSpan(period.period, period.minutes)}</b>
      <span>${period.cents_per_kwh === null ? say("live.no_price") : html`<b>${kes(period.cents_per_kwh)}</b>/kWh`}</span>
      <span>${energy(period.traded_wh)}</span>`;
  }

  #summary(): string {
    const prices = chartColumns(this.periods, this.now)[2].filter((price) => price !== null);
    if (prices.length === 0) return say("chart.empty");
    return say("chart.summary", { least: kes(Math.min(...prices) * 100), most: kes(Math.max(...prices) * 100), count: prices.length });
  }

  #draw(): void {
    const box = this.renderRoot.querySelector<HTMLElement>(".plot");
    if (!box || box.clientWidth === 0 || this.now === 0) return;
    const from = midnight(this.now);
    const columns = chartColumns(this.periods, this.now);
    const drawn = JSON.stringify([from, this.retail, this.feedIn, currentLanguage()]);
    if (this.#plot && drawn === this.#drawn) {
      this.#plot.setData(columns);
      return;
    }
    this.#drawn = drawn;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(box, from), columns, box);
  }

  #options(box: HTMLElement, from: number): uPlot.Options {
    const look = getComputedStyle(this);
    const tone = (name: string): string => look.getPropertyValue(name).trim();
    const axis = { stroke: tone("--ink-soft"), font: "12px 'Inter Variable', sans-serif", ticks: { show: false } };
    const top = Math.max(this.retail, 1) / 100;
    return {
      width: box.clientWidth,
      height: box.clientHeight,
      padding: [10, 4, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: true, range: [from, from + DAY] },
        price: { range: [0, top * 1.16] },
        volume: { range: (_u, _least, most) => [0, Math.max(most || 0, 0.5) * 1.9] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 26,
          splits: (u) => Array.from({ length: 9 }, (_, index) => from + index * 3 * 3600).filter((_, index) => u.width > 560 || index % 2 === 0),
          values: (_u, splits) => splits.map((at) => (at >= from + DAY ? "24:00" : clock(at))),
        },
        { ...axis, scale: "price", size: 34, grid: { stroke: tone("--line"), width: 1 }, splits: priceSplits, values: (_u, splits) => splits.map(String) },
        // The typings name the sides by a const enum that has no value at run time.
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
        { ...axis, scale: "volume", side: 1, size: 34, grid: { show: false }, values: (_u, splits) => splits.map(String), splits: volumeSplits },
      ],
      series: [
        {},
        {
          scale: "volume",
          fill: `color-mix(in srgb, ${tone("--use")} 40%, transparent)`,
          width: 0,
          points: { show: false },
          paths: uPlot.paths.bars?.({ size: [0.8, 26, 1], align: 1, radius: 0.2 }) ?? null,
        },
        { scale: "price", stroke: tone("--brand"), width: 2.5, points: { show: false }, paths: uPlot.paths.stepped?.({ align: 1 }) ?? null },
      ],
      hooks: {
        drawClear: [
          (u) => {
            drawLevel(u, this.retail, tone("--line-strong"), tone("--ink-soft"), say("scale.grid_asks", { price: amount(this.retail) }));
            drawLevel(u, this.feedIn, tone("--line-strong"), tone("--ink-soft"), say("scale.grid_pays", { price: amount(this.feedIn) }));
            drawNow(u, this.now, tone("--line-strong"));
          },
        ],
        setCursor: [
          (u) => {
            this.pointed = u.cursor.idx ?? null;
          },
        ],
      },
    } as uPlot.Options;
  }
}

/** A dashed line across the chart at a price, with its words on it. */
function drawLevel(u: uPlot, cents: number, colour: string, ink: string, words: string): void {
  if (cents <= 0) return;
  const y = u.valToPos(cents / 100, "price", true);
  u.ctx.save();
  u.ctx.strokeStyle = colour;
  u.ctx.lineWidth = devicePixelRatio;
  u.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  u.ctx.beginPath();
  u.ctx.moveTo(u.bbox.left, y);
  u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
  u.ctx.stroke();
  u.ctx.font = `${11 * devicePixelRatio}px 'Inter Variable', sans-serif`;
  u.ctx.fillStyle = ink;
  u.ctx.textAlign = "left";
  u.ctx.textBaseline = "bottom";
  u.ctx.fillText(words, u.bbox.left + 6 * devicePixelRatio, y - 2 * devicePixelRatio);
  u.ctx.restore();
}

function drawNow(u: uPlot, now: number, colour: string): void {
  const x = u.valToPos(now, "x", true);
  u.ctx.save();
  u.ctx.fillStyle = colour;
  u.ctx.fillRect(Math.round(x), u.bbox.top, devicePixelRatio, u.bbox.height);
  u.ctx.restore();
}

/** The top of the scale belongs to the grid's price. */
function priceSplits(_u: uPlot, _axis: number, _least: number, most: number, step: number): number[] {
  return Array.from({ length: Math.floor((most * 0.82) / step) + 1 }, (_, index) => index * step);
}

/** Volume is marked only over the lower half, where its bars are. */
function volumeSplits(_u: uPlot, _axis: number, _least: number, most: number, step: number): number[] {
  const splits: number[] = [];
  for (let at = 0; at <= most * 0.55; at += step) splits.push(Number(at.toFixed(3)));
  return splits;
}

declare global {
  interface HTMLElementTagNameMap {
    "es-price-chart": EsPriceChart;
  }
}
