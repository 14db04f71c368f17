// The depth of the market without names: what neighbours offer and ask, as bars from the middle.
import { css, html, LitElement, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { amount, energy } from "../format.js";
import type { Say } from "../language.js";
import type { BookLevel } from "../records.js";
import { cardStyles } from "../style.js";

const LEVELS = 5;

@customElement("energy-swap-order-book")
export class EnergySwapOrderBook extends LitElement {
  static override styles = [
    cardStyles,
    css`
      .sides {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 12px;
      }
      h3 {
        margin: 0 0 4px;
        font-size: 13px;
        font-weight: 500;
        color: var(--soft);
      }
      ol {
        list-style: none;
        margin: 0;
        padding: 0;
      }
      li {
        position: relative;
        display: flex;
        justify-content: space-between;
        gap: 8px;
        padding: 4px 6px;
        font-size: 13px;
        font-variant-numeric: tabular-nums;
      }
      li i {
        position: absolute;
        inset: 2px auto 2px 0;
        border-radius: 6px;
        opacity: 0.2;
      }
      .sells i {
        background: var(--sell);
      }
      .buys i {
        background: var(--buy);
      }
    `,
  ];

  @property({ attribute: false }) book!: { buys: readonly BookLevel[]; sells: readonly BookLevel[] };
  @property({ attribute: false }) say!: Say;

  protected override render(): TemplateResult {
    const most = Math.max(1, ...[...this.book.buys, ...this.book.sells].map((level) => level.wh));
    return html`<div class="sides">
      ${this.#renderSide("sells", this.book.sells, most)}${this.#renderSide("buys", this.book.buys, most)}
    </div>`;
  }

  #renderSide(side: "sells" | "buys", levels: readonly BookLevel[], most: number): TemplateResult {
    return html`<section class=${side}>
      <h3>${this.say(side === "sells" ? "offered" : "wanted")}</h3>
      ${levels.length === 0
        ? html`<p class="soft">${this.say("nothing_now")}</p>`
        : html`<ol>
            ${levels.slice(0, LEVELS).map(
              (level) =>
                html`<li><i style="width:${Math.max(3, (level.wh / most) * 100)}%"></i><span>${amount(level.cents_per_kwh / 100)}</span><span>${energy(level.wh / 1000)}</span></li>`,
            )}
          </ol>`}
    </section>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-order-book": EnergySwapOrderBook;
  }
}
