// What guidance and balancing advise, in sentences: suggested limits, when to use energy, what the dark hours would pay.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Advice, Hours } from "../api.js";
import { energy, hour, kes } from "../format.js";
import { say, TranslatedElement, type Word } from "../language.js";
import { baseStyles } from "../style/shared.js";

const SOURCES = ["neighbours", "battery", "grid"] as const;

/** The sentences on when there is energy left and when some is lacking. */
export function balancingSentences({ days, needed, surplus, shortage, mix, worth }: Advice["balancing"]): string[] {
  if (days < needed) return [say("balancing.too_little", { days, needed })];
  const told = (word: Word, { from, until, wh }: Hours, others = {}): string => say(word, { from: hour(from), until: hour(until), quantity: energy(wh), ...others });
  const sentences = [];
  if (surplus) sentences.push(told("balancing.surplus", surplus));
  if (shortage) {
    const price = kes(worth ?? 0);
    sentences.push(mix.battery ? told("balancing.battery", shortage, { stored: energy(mix.battery), price }) : told("balancing.saved", shortage, { price }));
  }
  return sentences.length > 0 ? sentences : [say("balancing.even")];
}

/** The sentences on what prices may do: what a kWh is worth now, when it is dear, and how much there was to give. */
export function outlookSentences({ worth_now: worth, by_hour: byHour, dearest_hour: dear, cheapest_hour: cheap, given_percent: given }: Advice["outlook"]): string[] {
  const sentences = [];
  if (worth !== null) sentences.push(say("outlook.worth", { price: kes(worth) }));
  if (dear !== null && cheap !== null) {
    const at = (hourOfDay: number): string => kes(byHour[hourOfDay] ?? 0);
    sentences.push(say("outlook.hours", { dear: hour(dear), most: at(dear), cheap: hour(cheap), least: at(cheap) }));
  }
  if (given !== null) sentences.push(say("outlook.given", { given: (given / 100).toFixed(2) }));
  return sentences;
}

@customElement("es-advice")
export class EsAdvice extends TranslatedElement {
  static override styles = [
    baseStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 2fr);
        gap: 12px 40px;
        font-size: 14px;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 6px 24px;
        margin-top: 10px;
      }
      dt {
        font-size: 13px;
        color: var(--ink-soft);
      }
      dd {
        font-size: 19px;
        font-weight: 680;
        letter-spacing: -0.02em;
        font-variant-numeric: tabular-nums;
      }
      .balancing {
        display: grid;
        gap: 8px;
        align-content: start;
      }
      .bar {
        display: flex;
        gap: 2px;
        height: 10px;
        border-radius: 5px;
        overflow: hidden;
        margin-top: 4px;
      }
      .neighbours {
        background: var(--make);
      }
      .battery {
        background: var(--brand);
      }
      .grid {
        background: var(--ink-faint);
      }
      .key {
        list-style: none;
        display: flex;
        flex-wrap: wrap;
        gap: 2px 18px;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .key i {
        display: inline-block;
        width: 9px;
        height: 9px;
        border-radius: 3px;
        margin-right: 6px;
      }
      @media (max-width: 900px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) advice!: Advice;

  protected override render(): TemplateResult {
    const { guidance, outlook, balancing } = this.advice;
    const price = (word: Word, cents: number | null): unknown => (cents === null ? nothing : html`<div><dt>${say(word)}</dt><dd>${kes(cents)}</dd></div>`);
    return html`<div>
        <p>${say(`guidance.${guidance.key}`, guidance.numbers)}</p>
        <dl>
          ${price("advice.sell", guidance.suggested_sell)} ${price("advice.buy", guidance.suggested_buy)} ${price("advice.average", guidance.week_average)}
        </dl>
      </div>
      <div class="balancing">${[...balancingSentences(balancing), ...outlookSentences(outlook)].map((sentence) => html`<p>${sentence}</p>`)} ${this.#mix(balancing.mix)}</div>`;
  }

  #mix(mix: Advice["balancing"]["mix"]): TemplateResult | typeof nothing {
    const parts = SOURCES.map((source) => ({ source, wh: mix[source] ?? 0 })).filter(({ wh }) => wh > 0);
    if (parts.length === 0) return nothing;
    const total = parts.reduce((sum, { wh }) => sum + wh, 0);
    return html`<div>
      <p class="soft">${say("advice.mix", { quantity: energy(total) })}</p>
      <div class="bar" aria-hidden="true">${parts.map(({ source, wh }) => html`<span class=${source} style="flex:${wh}"></span>`)}</div>
      <ul class="key">
        ${parts.map(({ source, wh }) => html`<li><i class=${source}></i>${say(`advice.${source}`)} ${energy(wh)}</li>`)}
      </ul>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-advice": EsAdvice;
  }
}
