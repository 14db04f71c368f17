// Where the community's price stands between what the grid pays and what the grid asks.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { amount, kes } from "../format.js";
import { say, TranslatedElement } from "../language.js";
import { baseStyles } from "../style/shared.js";

@customElement("es-price-scale")
export class EsPriceScale extends TranslatedElement {
  static override styles = [
    baseStyles,
    css`
      .bar {
        position: relative;
        height: 10px;
        border-radius: 999px;
        margin: 14px 0 8px;
        background: linear-gradient(90deg, var(--make), var(--use));
        opacity: 0.9;
      }
      .here {
        position: absolute;
        top: 50%;
        width: 22px;
        height: 22px;
        border-radius: 50%;
        translate: -50% -50%;
        background: var(--card);
        border: 5px solid var(--brand);
        transition: left 0.6s ease;
      }
      .ends,
      .gains {
        display: flex;
        justify-content: space-between;
        gap: 12px;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .ends > :last-child,
      .gains > :last-child {
        text-align: right;
      }
      .gains {
        margin-top: 12px;
        color: var(--ink);
      }
      .gains b {
        display: block;
        font-size: 17px;
        font-weight: 660;
        font-variant-numeric: tabular-nums;
      }
      .gains > :first-child b {
        color: var(--make-ink);
      }
      .gains > :last-child b {
        color: var(--use-ink);
      }
    `,
  ];

  /** All in cents per kWh. */
  @property({ attribute: false }) price: number | null = null;
  @property({ type: Number }) feedIn = 0;
  @property({ type: Number }) retail = 0;
  /** What a buyer pays on top of the price; undefined when the hub does not say. */
  @property({ attribute: false }) fees: number | undefined;

  protected override render(): TemplateResult {
    const span = Math.max(1, this.retail - this.feedIn);
    const at = this.price === null ? null : Math.min(100, Math.max(0, ((this.price - this.feedIn) / span) * 100));
    return html`
      <div class="bar">${at === null ? nothing : html`<span class="here" style="left:${at.toFixed(1)}%"></span>`}</div>
      <div class="ends">
        <span>${say("scale.grid_pays", { price: amount(this.feedIn) })}</span>
        <span>${say("scale.grid_asks", { price: amount(this.retail) })}</span>
      </div>
      ${this.price === null
        ? nothing
        : html`<div class="gains">
            <span><b>${kes(this.price - this.feedIn, true)}</b>${say("scale.seller_gains")}</span>
            <span><b>${kes(this.price + (this.fees ?? 0) - this.retail, true)}</b>${say(this.fees === undefined ? "scale.buyer_saves_before" : "scale.buyer_saves")}</span>
          </div>`}
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-price-scale": EsPriceScale;
  }
}
