// A chart of courses over time: bands for what is likely, lines for what is or is expected, read by pointer or arrow keys.
import { css, html, LitElement, nothing, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Times } from "../format.js";
import { band, hours, line, place, ticks, type Point } from "../scale.js";

export interface Course {
  name: string;
  /** A CSS colour. */
  colour: string;
  points: readonly Point[];
  /** Seconds for which a value holds: a price holds for its period. */
  hold?: number;
  isDashed?: boolean;
}

const LEFT = 44;
const BOTTOM = 22;
const TOP = 8;
const RIGHT = 16; // half of what the axis of time may write at its end

@customElement("energy-swap-chart")
export class EnergySwapChart extends LitElement {
  static override styles = css`
    :host {
      display: block;
      position: relative;
      min-width: 0;
    }
    svg {
      display: block;
      width: 100%;
      touch-action: pan-y;
      font-size: 11px;
      fill: var(--secondary-text-color);
      border-radius: 8px;
    }
    svg:focus-visible {
      outline: 2px solid var(--primary-color);
    }
    .grid {
      stroke: var(--divider-color);
      stroke-width: 1;
    }
    .zero {
      stroke: var(--secondary-text-color);
    }
    .now {
      stroke: var(--secondary-text-color);
      stroke-dasharray: 2 3;
    }
    .mark {
      stroke: var(--primary-text-color);
      opacity: 0.5;
    }
    .line {
      fill: none;
      stroke-width: 2;
      stroke-linejoin: round;
    }
    .dashed {
      stroke-dasharray: 5 4;
    }
    .readout {
      display: flex;
      flex-wrap: wrap;
      gap: 2px 14px;
      min-height: 20px;
      padding-left: ${LEFT}px;
      font-size: 13px;
      color: var(--primary-text-color);
      font-variant-numeric: tabular-nums;
    }
    .unit {
      margin-left: auto;
      padding-right: ${RIGHT}px;
      color: var(--secondary-text-color);
    }
    .key {
      display: inline-flex;
      align-items: center;
      gap: 6px;
    }
    .key i {
      width: 10px;
      height: 10px;
      border-radius: 3px;
    }
  `;

  @property({ attribute: false }) courses: readonly Course[] = [];
  @property({ attribute: false }) times!: Times;
  /** Words a value with its unit. */
  @property({ attribute: false }) word: (value: number) => string = String;
  @property({ type: Number }) now = 0;
  @property({ type: Number }) height = 180;
  /** The unit of the axis. */
  @property() unit = "";
  /** What the chart shows, for those who do not see it. */
  @property() label = "";
  @state() private width = 320;
  @state() private chosen: number | null = null;

  readonly #sizes = new ResizeObserver(([entry]) => {
    if (entry && entry.contentRect.width > 0) this.width = entry.contentRect.width;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sizes.disconnect();
  }

  protected override render(): TemplateResult | typeof nothing {
    const moments = this.#moments();
    const [first] = moments;
    const last = moments.at(-1);
    if (first === undefined || last === undefined) return nothing;
    const hold = Math.max(0, ...this.courses.map((course) => course.hold ?? 0));
    const time = { from: first, to: last + hold };
    const values = this.courses.flatMap((course) => course.points.flatMap(({ mid, low, high }) => [mid, low, high])).filter((one): one is number => typeof one === "number");
    const named = ticks(values);
    const amounts = { from: named[0] ?? 0, to: named.at(-1) ?? 1 };
    const inside = this.width - LEFT - RIGHT;
    const floor = this.height - BOTTOM;
    const x = (at: number): number => LEFT + place(at, time, inside);
    const y = (value: number): number => floor - place(value, amounts, floor - TOP);
    return html`<svg
        role="img"
        tabindex="0"
        aria-label=${this.label}
        viewBox="0 0 ${this.width} ${this.height}"
        height=${this.height}
        @pointermove=${(event: PointerEvent) => {
          this.#choose(time.from + ((event.offsetX - LEFT) / inside) * (time.to - time.from), moments);
        }}
        @pointerleave=${() => {
          this.chosen = null;
        }}
        @keydown=${(event: KeyboardEvent) => {
          this.#step(event, moments);
        }}
      >
        ${named.map((value) => svg`<line class="grid ${value === 0 ? "zero" : ""}" x1=${LEFT} x2=${this.width - RIGHT} y1=${y(value)} y2=${y(value)}></line>
          <text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${short(value)}</text>`)}
        ${hours(time, (at) => this.times.hour(at), inside).map((at) => svg`<text x=${x(at)} y=${this.height - 6} text-anchor="middle">${this.times.tick(at)}</text>`)}
        ${this.courses.map((course) => this.#renderCourse(course, x, y))}
        ${this.now > time.from && this.now < time.to ? svg`<line class="now" x1=${x(this.now)} x2=${x(this.now)} y1=${TOP} y2=${floor}></line>` : nothing}
        ${this.chosen === null ? nothing : svg`<line class="mark" x1=${x(this.chosen)} x2=${x(this.chosen)} y1=${TOP} y2=${floor}></line>`}
      </svg>
      <div class="readout" aria-live="polite">${this.#renderReadout()}</div>`;
  }

  #renderCourse(course: Course, x: (at: number) => number, y: (value: number) => number): SVGTemplateResult {
    const area = band(course.points, x, y);
    return svg`${area ? svg`<path d=${area} fill=${course.colour} opacity="0.2"></path>` : nothing}
      <path class="line ${course.isDashed ? "dashed" : ""}" stroke=${course.colour} d=${line(course.points, x, y, course.hold)}></path>`;
  }

  /** Beneath the chart: what its colours mean, or the values of the chosen moment. */
  #renderReadout(): TemplateResult {
    const chosen = this.chosen;
    return html`${chosen === null ? nothing : html`<b>${this.times.day(chosen)} ${this.times.clock(chosen)}</b>`}
      ${this.courses.map((course) => {
        const point = chosen === null ? undefined : course.points.find((one) => one.at <= chosen && chosen < one.at + (one.hold ?? course.hold ?? 1));
        if (chosen !== null && (point === undefined || point.mid === null)) return nothing;
        const value = point?.mid;
        const range = point?.low === undefined || point.high === undefined ? "" : ` (${this.word(point.low)} – ${this.word(point.high)})`;
        return html`<span class="key"><i style="background:${course.colour}"></i>${course.name}${value === null || value === undefined ? nothing : html` ${this.word(value)}${range}`}</span>`;
      })}
      ${chosen === null && this.unit ? html`<span class="unit">${this.unit}</span>` : nothing}`;
  }

  #moments(): number[] {
    return [...new Set(this.courses.flatMap((course) => course.points.map((point) => point.at)))].sort((one, other) => one - other);
  }

  #choose(at: number, moments: readonly number[]): void {
    this.chosen = moments.findLast((one) => one <= at) ?? moments[0] ?? null;
  }

  #step(event: KeyboardEvent, moments: readonly number[]): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const start = this.chosen ?? moments.findLast((one) => one <= this.now) ?? moments[0];
    const index = start === undefined ? 0 : moments.indexOf(start);
    this.chosen = moments[Math.min(moments.length - 1, Math.max(0, index + by))] ?? null;
  }
}

/** "1.5k" for 1500: the axis has little room. */
const short = (value: number): string => (Math.abs(value) >= 1000 ? `${value / 1000}k` : String(value)).replace("-", "−");

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-chart": EnergySwapChart;
  }
}
