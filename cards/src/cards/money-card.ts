// Money first, then energy: what the household has, earned and saved, what its meter does now, and what to do about it.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { amount, energy, kes, power } from "../format.js";
import type { Household } from "../household.js";
import { languageOf, type Word } from "../language.js";
import { Remote } from "../remote.js";
import { cardStyles } from "../style.js";
import { adviceText, textsOf, type Texts } from "../texts.js";
import { EnergySwapCard, offerCard } from "./card.js";

const DAY_SECONDS = 86_400;

@customElement("energy-swap-money-card")
export class EnergySwapMoneyCard extends EnergySwapCard {
  static override styles = [
    cardStyles,
    css`
      .balance {
        font-size: 34px;
        font-weight: 700;
        letter-spacing: -0.02em;
        line-height: 1.1;
      }
      .facts {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 8px;
      }
      .facts > div {
        background: color-mix(in srgb, var(--soft) 9%, transparent);
        border-radius: 12px;
        padding: 10px 12px;
        min-width: 0;
      }
      .facts b {
        display: block;
        font-size: 18px;
        font-weight: 600;
      }
      .gain {
        color: var(--good);
      }
      .flow {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        font-size: 15px;
      }
      .advice {
        border-left: 3px solid var(--primary-color);
        padding: 2px 0 2px 12px;
        display: grid;
        gap: 2px;
      }
      .advice.sell {
        border-color: var(--sell);
      }
      .advice.buy {
        border-color: var(--buy);
      }
    `,
  ];

  /** The integration's sentences, where the reader's language is another than that of the edge's own. */
  readonly #sentences = new Remote<Texts>(
    this,
    () => {
      const language = languageOf(this.hass.language);
      return language.startsWith("en") ? Promise.resolve({}) : textsOf(this.hass, language, "common");
    },
    DAY_SECONDS,
  );

  protected override show(household: Household): TemplateResult {
    const balance = household.number("kes_balance");
    const held = household.number("kes_held") ?? 0;
    return html`${this.renderHead(household.name, this.#renderSources(household))}
      <div class="body">
        <div>
          <p class="soft">${this.say("balance")}</p>
          <p class="balance number">${balance === null ? "–" : kes(balance)}</p>
          ${held > 0 ? html`<p class="soft">${this.say("held", { amount: kes(held) })}</p>` : nothing}
        </div>
        <div class="facts">
          ${this.#renderGain("earned_today", household)} ${this.#renderGain("saved_today", household)} ${this.#renderGain("earned_month", household)}
          ${this.#renderTokens(household)}
        </div>
        ${this.#renderNow(household)} ${this.#renderAdvice(household)}
        <div class="actions">
          <button
            class="primary"
            @click=${() => {
              this.#askTopUp(household);
            }}
          >
            ${this.say("top_up")}
          </button>
          <button
            ?disabled=${balance === null || balance <= 0}
            @click=${() => {
              this.#askPayOut(household, balance ?? 0);
            }}
          >
            ${this.say("pay_out")}
          </button>
        </div>
      </div>`;
  }

  /** What is not here now, in words: a meter may be live while the hub is away. */
  #renderSources(household: Household): TemplateResult | typeof nothing {
    if (household.text("hub_connection") === "off") return html`<span class="pill bad">${this.say("hub_away")}</span>`;
    if (household.text("meter") === "off") return html`<span class="pill bad">${this.say("meter_silent")}</span>`;
    return nothing;
  }

  #renderGain(key: Word & ("earned_today" | "saved_today" | "earned_month"), household: Household): TemplateResult | typeof nothing {
    const value = household.number(key);
    if (value === null) return nothing;
    return html`<div><span class="soft">${this.say(key)}</span><b class="number ${value > 0 ? "gain" : ""}">${amount(value, true)}</b></div>`;
  }

  #renderTokens(household: Household): TemplateResult | typeof nothing {
    const tokens = household.number("token_balance");
    if (tokens === null) return nothing;
    return html`<div><span class="soft">${this.say("tokens")}</span><b class="number">${energy(tokens)}</b></div>`;
  }

  #renderNow(household: Household): TemplateResult | typeof nothing {
    const net = household.number("net_power");
    const generation = household.number("generation_power");
    if (net === null) return nothing;
    return html`<p class="flow">
      <span>${this.say(net < 0 ? "gives_now" : "takes_now", { power: power(Math.abs(net)) })}</span>
      ${generation === null || generation <= 0 ? nothing : html`<span class="soft">${this.say("sun_now", { power: power(generation) })}</span>`}
    </p>`;
  }

  #renderAdvice(household: Household): TemplateResult | typeof nothing {
    const action = household.text("recommendation");
    const reason = adviceText(household, this.#sentences.value ?? {});
    if (action === null) return nothing;
    return html`<div class="advice ${action}">
      <b>${this.say(`advice_${action}` as Word)}</b>
      ${reason === "" ? nothing : html`<span class="soft">${reason}</span>`}
    </div>`;
  }

  #askTopUp(household: Household): void {
    this.ask({
      title: this.say("top_up"),
      lead: this.say("top_up_means"),
      go: this.say("send_prompt"),
      fields: [{ name: "amount", label: this.say("amount"), unit: "KES", value: 200, step: 1, min: 1, max: 250_000 }],
      act: async (values) => {
        await household.act("top_up", values);
        return this.say("prompt_sent");
      },
    });
  }

  #askPayOut(household: Household, most: number): void {
    this.ask({
      title: this.say("pay_out"),
      lead: this.say("pay_out_means", { amount: kes(most) }),
      go: this.say("pay_out"),
      fields: [{ name: "amount", label: this.say("amount"), unit: "KES", step: 1, min: 10, max: Math.floor(most), isOptional: true, hint: this.say("all_if_empty") }],
      act: async (values) => {
        const answer = await household.act<{ kes?: number }>("pay_out", values);
        return this.say("paid_out", { amount: kes(answer.kes ?? values.amount ?? most) });
      },
    });
  }
}

offerCard("energy-swap-money-card", "Energy Swap: money and energy", "What you have, earned and saved, what the meter does now, top up and pay out.");

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-money-card": EnergySwapMoneyCard;
  }
}
