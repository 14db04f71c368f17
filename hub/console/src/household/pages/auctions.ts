// Auctions: what is open with the highest bid, bidding in two taps, and how one's own ended.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { clock, energy, kes, moment } from "../../format.js";
import { currentLanguage } from "../../language-choice.js";
import type { EndedAuction, Home, OpenAuction } from "../answers.js";
import { priceText, typedPrice } from "../numbers.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-auctions")
export class EsAuctions extends Page {
  @property({ attribute: false }) home!: Home;
  @property({ attribute: false }) ended: EndedAuction[] = [];
  /** The auction whose bid is being made, and its price as it is typed. */
  @state() private chosen: string | null = null;
  @state() private typed: string | null = null;

  protected override render(): TemplateResult {
    const open = this.home.state.auctions;
    return html`<section class="card" data-test="auctions">
      <h2>${say("auctions.title")}</h2>
      <p class="lead">${say("auctions.lead")}</p>
      ${open.length === 0 ? html`<p class="empty">${say("auctions.none")}</p>` : nothing}
      <ul class="list">
        ${open.map((auction) => this.#renderOpen(auction))}
      </ul>
      ${this.ended.length === 0 ? nothing : this.#renderEnded()}
      ${this.home.has_panels ? html`<p class="help">${say("auctions.own_help")}</p>` : nothing}
    </section>`;
  }

  #renderOpen(auction: OpenAuction): TemplateResult {
    const price = auction.best_bid === null ? say("auctions.start", { price: kes(auction.start_price) }) : say("auctions.best", { price: kes(auction.best_bid) });
    const isChosen = this.chosen === auction.id && !auction.mine && !auction.leading;
    return html`<li style=${isChosen ? "display:block" : ""}>
      <div class="what">
        <b>${energy(auction.wh)}</b>
        <span>${price} · ${say("auctions.until", { time: clock(auction.ends_at) })}</span>
        ${this.renderTold(auction.id)}
      </div>
      ${isChosen ? this.#renderBid(auction) : this.#renderAnswer(auction)}
    </li>`;
  }

  #renderAnswer(auction: OpenAuction): TemplateResult {
    if (auction.mine) return html`<span class="pill">${say("auctions.mine")}</span>`;
    if (auction.leading) return html`<span class="pill good">${say("auctions.leading")}</span>`;
    return html`<button class="small" @click=${() => { this.chosen = auction.id; this.typed = null; this.told = null; }}>${say("auctions.bid")}</button>`;
  }

  #renderBid(auction: OpenAuction): TemplateResult {
    const typed = this.typed === null ? auction.minimum_bid : typedPrice(this.typed);
    const price = typed === null || typed === "off" ? auction.minimum_bid : typed;
    const cost = Math.ceil((auction.wh * (price + this.home.state.fees)) / 1000);
    return html`<div class="field" style="margin-top:12px">
        <label for="bid">${say("auctions.price")} <span class="soft">(${say("limits.per")})</span></label>
        <input id="bid" inputmode="decimal" autocomplete="off" .value=${this.typed ?? priceText(auction.minimum_bid)} @input=${this.#typing} />
        <p class="help">${say("auctions.least", { price: kes(auction.minimum_bid), kes: kes(cost) })}</p>
      </div>
      <button class="primary block" data-test="bid" ?disabled=${this.isBusy} @click=${() => this.#bid(auction)}>${say("auctions.send", { kes: kes(price) })}</button>`;
  }

  readonly #typing = (event: Event): void => {
    this.typed = (event.target as HTMLInputElement).value;
  };

  async #bid(auction: OpenAuction): Promise<void> {
    const price = typedPrice(this.field("bid"));
    if (price === null || price === "off" || price < auction.minimum_bid) {
      this.tell(auction.id, say("auctions.too_low", { price: kes(auction.minimum_bid), example: priceText(auction.minimum_bid) }));
      return;
    }
    const isPlaced = await this.act(auction.id, async () => {
      await this.hub.wish("bid", { auction: auction.id, price });
      return say("auctions.placed");
    });
    if (isPlaced) this.chosen = null;
    this.dispatchEvent(new Event("bid"));
  }

  #renderEnded(): TemplateResult {
    const language = currentLanguage();
    return html`<details>
      <summary>${say("auctions.ended")} (${this.ended.length})</summary>
      <ul class="list">
        ${this.ended.map((auction) => {
          const price = kes(auction.cents_per_kwh ?? 0);
          const outcome = auction.status === "sold" ? say(auction.mine ? "auctions.sold" : "auctions.won", { price }) : say(auction.status === "cancelled" ? "auctions.cancelled" : "auctions.unsold");
          return html`<li>
            <div class="what"><b>${energy(auction.wh)}</b><span>${moment(auction.ended_at, this.hub.now(), language)} · ${outcome}</span></div>
          </li>`;
        })}
      </ul>
    </details>`;
  }
}
