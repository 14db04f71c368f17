// A table or list of any length in a box that scrolls: only the rows in sight are in the document.
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { count } from "../format.js";
import { say } from "../language.js";
import type { LongList } from "../long-list.js";
import { RowHeights } from "./row-heights.js";

/** Rows that are drawn above and below those in sight, and how many of them may be used up before more are drawn. */
const SPARE = 14;
const USED_UP = 6;
const GUESS_PX = 44;
/** No browser draws anything that is much higher. */
const MOST_PX = 16_000_000;

/**
 * Rows stay where the document flows, with the height of all others as space around them: so a table keeps its columns, its
 * head and what it means to a screen reader, which a virtualiser that places each row itself takes from it.
 *
 * It draws into the page that holds it, whose styles are those of the rows.
 */
@customElement("es-long-rows")
export class EsLongRows<T> extends LitElement {
  @property({ attribute: false }) list!: LongList<T>;
  /** Draws a row: one `tr`, or one `li` where there is no head. */
  @property({ attribute: false }) row!: (item: T, row: number) => TemplateResult;
  /** The cells of a table's head; without it the rows are items of a list. */
  @property({ attribute: false }) head: TemplateResult | null = null;
  @property() label = "";
  /** The classes of the table or list. */
  @property() look = "";

  #heights: RowHeights | null = null;
  #first = 0;
  #last = 0;
  #width = 0;
  /** The row at the top of the box, to come back to when all heights change. */
  #top = 0;
  #hadFocus = false;
  readonly #resized = new ResizeObserver(() => {
    this.#measureAnew();
  });

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.list.onAdded = undefined;
  }

  get #box(): HTMLElement | null {
    return this.querySelector<HTMLElement>(".long-box");
  }

  get #rows(): HTMLElement[] {
    const holder = this.querySelector(this.head === null ? ".long-box ul" : ".long-box tbody");
    return holder === null ? [] : ([...holder.children] as HTMLElement[]);
  }

  /** How many rows can be shown. */
  get #count(): number {
    return Math.min(this.list.count, Math.floor(MOST_PX / (this.#heights?.usual ?? GUESS_PX)));
  }

  protected override willUpdate(): void {
    if (this.isConnected) this.list.onAdded = this.#added;
    const [from, until] = this.#inSight();
    this.#first = Math.max(0, from - SPARE);
    this.#last = Math.min(this.#count, until + SPARE + 1);
    this.list.want(this.#first, this.#last - 1);
    this.#hadFocus = this.#rows.some((row) => row.matches(":focus-within"));
  }

  protected override render(): TemplateResult {
    const total = this.list.count;
    const rows = repeat(
      Array.from({ length: Math.max(0, this.#last - this.#first) }, (_, index) => this.#first + index),
      (row) => total - row, // counted from the oldest, a row keeps its number when new ones come
      (row) => this.#draw(row),
    );
    return html`<div class="long-box" role="region" tabindex="0" aria-label=${this.label} @scroll=${this.#scrolled}>
        <div class="runway">
          ${this.head === null
            ? html`<ul class=${this.look}>${rows}</ul>`
            : html`<table class="long ${this.look}" aria-rowcount=${total + 1}><thead><tr aria-rowindex="1">${this.head}</tr></thead><tbody>${rows}</tbody></table>`}
        </div>
      </div>
      ${this.#count < total ? html`<p class="soft">${say("app.newest_only", { shown: count(this.#count), total: count(total) })}</p>` : nothing}`;
  }

  #draw(row: number): TemplateResult {
    const item = this.list.at(row);
    if (item !== undefined) return this.row(item, row);
    const high = `height:${this.#heights?.usual ?? GUESS_PX}px`;
    return this.head === null
      ? html`<li class="coming" style=${high}>${say("app.loading")}</li>`
      : html`<tr class="coming" style=${high}><td colspan="20">${say("app.loading")}</td></tr>`;
  }

  protected override updated(): void {
    const box = this.#box;
    if (box === null) return;
    this.#resized.observe(box);
    this.#number();
    this.#space();
    this.#measure(box);
    // Whoever was at a row that is out of sight now stays in the list.
    if (this.#hadFocus && !this.#rows.some((row) => row.matches(":focus-within"))) box.focus({ preventScroll: true });
    const [from, until] = this.#inSight();
    if (from < this.#first || (until >= this.#last && this.#last < this.#count)) this.requestUpdate();
  }

  /** Tell a screen reader which of all rows these are. */
  #number(): void {
    const total = String(this.list.count);
    this.#rows.forEach((row, index) => {
      if (this.head !== null) row.setAttribute("aria-rowindex", String(this.#first + index + 2));
      else {
        row.setAttribute("aria-posinset", String(this.#first + index + 1));
        row.setAttribute("aria-setsize", total);
      }
    });
  }

  /** Leave the room of all rows that are not drawn. */
  #space(): void {
    const runway = this.querySelector<HTMLElement>(".runway");
    const heights = this.#heights;
    if (runway === null || heights === null) return;
    runway.style.paddingTop = `${heights.top(this.#first)}px`;
    runway.style.paddingBottom = `${Math.max(0, heights.top(this.#count) - heights.top(this.#last))}px`;
  }

  /** Learn how high the drawn rows are; what is in sight stays where it is. */
  #measure(box: HTMLElement): void {
    const rows = this.#rows;
    const tops = rows.map((row) => row.getBoundingClientRect().top);
    const bottom = rows.at(-1)?.getBoundingClientRect().bottom ?? 0;
    const measured = rows.flatMap((row, index) =>
      row.classList.contains("coming") ? [] : [{ row: this.#first + index, height: (tops[index + 1] ?? bottom) - (tops[index] ?? 0) }],
    );
    if (measured.length === 0 || box.clientHeight === 0) return;
    if (this.#heights === null) {
      const sorted = measured.map(({ height }) => height).sort((one, other) => one - other);
      this.#heights = new RowHeights(sorted[Math.floor(sorted.length / 2)] ?? GUESS_PX);
    }
    const heights = this.#heights;
    const above = heights.at(box.scrollTop, this.#count);
    let moved = 0;
    let isNew = false;
    for (const { row, height } of measured) {
      const difference = heights.learn(row, height);
      isNew ||= difference !== 0;
      if (row < above) moved += difference;
    }
    if (isNew) this.#space();
    if (moved !== 0) box.scrollTop += moved;
  }

  #inSight(): [number, number] {
    const box = this.#box;
    const heights = this.#heights;
    const rows = this.#count;
    if (box === null || heights === null) return [0, Math.min(SPARE, Math.max(0, rows - 1))];
    this.#top = heights.at(box.scrollTop, rows);
    return [this.#top, heights.at(box.scrollTop + box.clientHeight, rows)];
  }

  readonly #scrolled = (): void => {
    const [from, until] = this.#inSight();
    const isNear = (edge: number, end: number, room: number): boolean => edge !== end && room < SPARE - USED_UP;
    if (isNear(this.#first, 0, from - this.#first) || isNear(this.#last, this.#count, this.#last - 1 - until)) this.requestUpdate();
  };

  readonly #added = (rows: number | null): void => {
    const box = this.#box;
    if (rows === null || this.#heights === null) {
      this.#heights = null;
      if (box !== null) box.scrollTop = 0;
    } else if (rows > 0) {
      this.#heights.shift(rows);
      // Whoever looks at the newest rows wants to see the new ones; for all others nothing moves.
      if (box !== null && box.scrollTop > 4) {
        this.#space();
        box.scrollTop += this.#heights.top(rows);
      }
    }
    this.requestUpdate();
  };

  /** In a box of another width all rows may be of another height. */
  #measureAnew(): void {
    const box = this.#box;
    if (box === null || box.clientWidth === this.#width) return;
    this.#width = box.clientWidth;
    if (this.#heights === null) return;
    const row = this.#top;
    this.#heights = null;
    this.#measure(box);
    this.#space();
    box.scrollTop = (this.#heights as RowHeights | null)?.top(row) ?? 0;
    this.requestUpdate();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-long-rows": EsLongRows<unknown>;
  }
}
