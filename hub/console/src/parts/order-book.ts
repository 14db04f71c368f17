// The open orders of the spot market: asks above, bids below, each as deep as its bar is long.
import { css, html, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { BookLine, Market } from "../api.js";
import { amount, energy } from "../format.js";
import { say, TranslatedElement } from "../language.js";
import { baseStyles } from "../style/shared.js";

@customElement("es-order-book")
export class EsOrderBook extends TranslatedElement {
  static override styles = [
    baseStyles,
    css`
      .line {
        position: relative;
        display: grid;
        grid-template-columns: 56px minmax(0, 1fr) minmax(96px, 42%);
        gap: 12px;
        align-items: center;
        min-height: 34px;
        padding: 0 8px;
        font-size: 14px;
        font-variant-numeric: tabular-nums;
      }
      .depth {
        position: relative;
        display: grid;
        align-items: center;
        justify-items: end;
        align-self: stretch;
        padding-right: 8px;
      }
      .depth i {
        position: absolute;
        inset: 3px 0 3px auto;
        border-radius: 6px;
        background: var(--tone);
      }
      .depth span {
        position: relative;
      }
      .line b {
        font-weight: 640;
      }
      .name {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        color: var(--ink-soft);
      }
      .sell {
        --tone: var(--make-wash);
      }
      .buy {
        --tone: var(--use-wash);
      }
      .sell b {
        color: var(--make-ink);
      }
      .buy b {
        color: var(--use-ink);
      }
      .between {
        display: flex;
        justify-content: space-between;
        padding: 6px 8px;
        margin: 4px 0;
        font-size: 13px;
        color: var(--ink-soft);
        border-block: 1px solid var(--line);
      }
    `,
  ];

  @property({ attribute: false }) book: Market["book"] = { sell: [], buy: [] };
  @property({ attribute: false }) nameOf: (household: string) => string = (household) => household;

  protected override render(): TemplateResult {
    const { sell, buy } = this.book;
    const asks = [...sell].sort((a, b) => b.cents_per_kwh - a.cents_per_kwh);
    const bids = [...buy].sort((a, b) => b.cents_per_kwh - a.cents_per_kwh);
    const most = Math.max(1, ...sell.map((line) => line.wh), ...buy.map((line) => line.wh));
    const bestAsk = asks.at(-1);
    const bestBid = bids[0];
    const row = (line: BookLine, side: "sell" | "buy"): TemplateResult =>
      html`<div class="line ${side}" role="listitem">
        <b>${amount(line.cents_per_kwh)}</b><span class="name">${this.nameOf(line.household)}</span
        ><span class="depth"><i style="width:${((line.wh / most) * 100).toFixed(1)}%" aria-hidden="true"></i><span>${energy(line.wh)}</span></span>
      </div>`;
    return html`<div role="list" aria-label=${say("book.asks")}>${asks.map((line) => row(line, "sell"))}</div>
      <div class="between">
        <span>${asks.length === 0 ? say("book.no_asks") : bids.length === 0 ? say("book.no_bids") : say("book.spread")}</span>
        <span class="number">${bestAsk && bestBid ? `${amount(bestAsk.cents_per_kwh - bestBid.cents_per_kwh)} KES` : ""}</span>
      </div>
      <div role="list" aria-label=${say("book.bids")}>${bids.map((line) => row(line, "buy"))}</div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-order-book": EsOrderBook;
  }
}
