// The page in the sidebar: all cards of a household in columns, and a choice of household where there are several.
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { CardConfig, Hass } from "./hass.js";
import { Household, householdDevices } from "./household.js";
import { languageOf, speaker } from "./language.js";

const CARDS = ["energy-swap-money-card", "energy-swap-market-card", "energy-swap-forecast-card", "energy-swap-history-card"] as const;

type Card = HTMLElement & { hass: Hass; setConfig(config: CardConfig): void };

@customElement("energy-swap-panel")
export class EnergySwapPanel extends LitElement {
  static override styles = css`
    :host {
      display: block;
      min-height: 100vh;
      background: var(--primary-background-color);
      color: var(--primary-text-color);
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
      min-height: var(--header-height, 56px);
      padding: 0 12px;
      background: var(--app-header-background-color);
      color: var(--app-header-text-color, var(--text-primary-color));
    }
    h1 {
      font-size: 20px;
      font-weight: 400;
      margin: 0;
      flex: 1;
    }
    select {
      font: inherit;
      min-height: 44px;
      max-width: 50%;
      border-radius: 10px;
      border: 1px solid currentcolor;
      background: transparent;
      color: inherit;
      padding: 0 10px;
    }
    select option {
      color: initial;
    }
    main {
      columns: 3 380px;
      column-gap: 12px;
      padding: 12px 12px 0;
      max-width: 1500px;
      margin: 0 auto;
    }
    main > * {
      break-inside: avoid;
      margin-bottom: 12px;
    }
  `;

  @property({ attribute: false }) hass!: Hass;
  @property({ type: Boolean }) narrow = false;
  @state() private chosen: string | undefined;

  readonly #cards = new Map<string, Card>();

  protected override shouldUpdate(): boolean {
    return (this.hass as Hass | undefined) !== undefined;
  }

  protected override render(): TemplateResult {
    const devices = householdDevices(this.hass);
    const device = this.chosen !== undefined && devices.includes(this.chosen) ? this.chosen : devices[0];
    const say = speaker(languageOf(this.hass.language));
    return html`<header>
        <ha-menu-button .hass=${this.hass} .narrow=${this.narrow}></ha-menu-button>
        <h1>Energy Swap</h1>
        ${devices.length > 1 ? this.#renderChoice(devices, device) : nothing}
      </header>
      <main>${device === undefined ? html`<p>${say("no_household")}</p>` : CARDS.map((type) => this.#card(type, device))}</main>`;
  }

  #renderChoice(devices: readonly string[], chosen: string | undefined): TemplateResult {
    return html`<select
      aria-label=${speaker(languageOf(this.hass.language))("household")}
      @change=${(event: Event) => {
        this.chosen = (event.target as HTMLSelectElement).value;
      }}
    >
      ${devices.map((device) => html`<option value=${device} ?selected=${device === chosen}>${new Household(this.hass, device).name}</option>`)}
    </select>`;
  }

  /** Keeps a card as long as the page lives: it holds what it asked for. */
  #card(type: (typeof CARDS)[number], device: string): Card {
    const key = `${type} ${device}`;
    let card = this.#cards.get(key);
    if (card === undefined) {
      card = document.createElement(type);
      card.setConfig({ type, device_id: device });
      this.#cards.set(key, card);
    }
    card.hass = this.hass;
    return card;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-panel": EnergySwapPanel;
  }
}
