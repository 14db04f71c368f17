// Paying into the wallet from any phone: the short code and account to type, and M-Pesa's own QR code for an amount.
import { css, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { kes } from "../../format.js";
import type { Home } from "../answers.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-pay-code")
export class EsPayCode extends Page {
  static override styles = [
    ...Page.styles,
    css`
      dl {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 4px 16px;
        margin: 0 0 4px;
      }
      dt {
        color: var(--ink-soft);
      }
      dd {
        margin: 0;
        font-weight: 640;
        font-variant-numeric: tabular-nums;
        letter-spacing: 0.02em;
      }
      img {
        display: block;
        width: min(240px, 100%);
        aspect-ratio: 1;
        margin: 14px auto 0;
        border-radius: 12px;
        background: #fff;
        image-rendering: pixelated;
      }
    `,
  ];

  @property({ attribute: false }) home!: Home;
  /** How much, in whole KES. */
  @property({ type: Number }) kes = 0;
  @state() private isShown = false;
  @state() private hasFailed = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("kes")) {
      this.isShown = false;
      this.hasFailed = false;
    }
  }

  protected override render(): TemplateResult {
    const amount = kes(this.kes * 100);
    return html`<section class="card">
      <h2>${say("code.title")}</h2>
      <p class="lead">${say("code.lead")}</p>
      <dl>
        <dt>${say("code.pay_bill")}</dt>
        <dd>${this.home.short_code}</dd>
        <dt>${say("code.account")}</dt>
        <dd>${this.home.account}</dd>
      </dl>
      ${this.isShown && !this.hasFailed
        ? html`<img src="/api/v1/app/pay-code?kes=${this.kes}" alt=${say("code.picture", { kes: amount })} @error=${this.#failed} />
            <p class="help">${say("code.scan", { kes: amount })}</p>`
        : html`<button class="block" ?disabled=${this.kes <= 0} @click=${this.#show}>${say("code.show", { kes: amount })}</button>`}
      ${this.hasFailed ? html`<p class="tell bad" role="alert">${say("code.failed")}</p>` : nothing}
    </section>`;
  }

  readonly #show = (): void => {
    this.hasFailed = false;
    this.isShown = true;
  };

  readonly #failed = (): void => {
    this.hasFailed = true;
    this.isShown = false;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-pay-code": EsPayCode;
  }
}
