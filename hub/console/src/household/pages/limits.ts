// The household's two prices, set once: what it sells for at the least, and buys for at the most.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { kes } from "../../format.js";
import type { Home } from "../answers.js";
import { priceText, typedPrice } from "../numbers.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-limits")
export class EsLimits extends Page {
  @property({ attribute: false }) home!: Home;

  protected override render(): TemplateResult {
    const { standing_order, guidance, fees, retail_tariff } = this.home.state;
    return html`<section class="card">
      <h2>${say("limits.title")}</h2>
      <p class="lead">${say("limits.lead")}</p>
      <form @submit=${this.#save}>
        ${this.home.has_panels ? this.#renderField("sell", standing_order.sell_at_least, guidance.suggested_sell, say("limits.help_sell")) : nothing}
        ${this.#renderField("buy", standing_order.buy_at_most, guidance.suggested_buy, say("limits.help_buy", { fees: kes(fees), retail: kes(retail_tariff) }))}
        ${this.renderTold("limits")}
        <button class="primary block" ?disabled=${this.isBusy}>${say("limits.save")}</button>
      </form>
    </section>`;
  }

  #renderField(side: "sell" | "buy", price: number | null, suggested: number | null, help: string): TemplateResult {
    return html`<div class="field">
      <div class="row">
        <label for=${side}>${say(`limits.${side}`)} <span class="soft">(${say("limits.per")})</span></label>
      </div>
      <input id=${side} inputmode="decimal" autocomplete="off" placeholder=${say(`limits.off_${side}`)} .value=${price === null ? "" : priceText(price)} aria-describedby="${side}-help" />
      ${suggested === null || suggested === price
        ? nothing
        : html`<button type="button" class="small" style="margin-top:8px" @click=${() => { this.#take(side, suggested); }}>${say("limits.suggested", { price: kes(suggested) })}</button>`}
      <p class="help" id="${side}-help">${help}</p>
    </div>`;
  }

  #take(side: string, price: number): void {
    const field = this.renderRoot.querySelector<HTMLInputElement>(`#${side}`);
    if (field) field.value = priceText(price);
  }

  readonly #save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const sell = this.home.has_panels ? typedPrice(this.field("sell")) : "off";
    const buy = typedPrice(this.field("buy"));
    if (sell === null || buy === null) {
      this.tell("limits", say("limits.bad"));
      return;
    }
    const isSet = await this.act("limits", async () => {
      await this.hub.wish("standing_order", { sell_at_least: sell === "off" ? null : sell, buy_at_most: buy === "off" ? null : buy });
      return say("limits.saved");
    });
    if (isSet) this.dispatchEvent(new CustomEvent("changed"));
  };
}
