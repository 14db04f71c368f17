// What every card is: it has a household, its words, a form for its settings, and a place for a dialog.
import { html, LitElement, nothing, type ReactiveController, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { Times } from "../format.js";
import type { CardConfig, FormSchema, GridOptions, Hass } from "../hass.js";
import { Household, householdDevices } from "../household.js";
import { languageOf, speaker, type Say } from "../language.js";
import type { Form } from "../parts/form-dialog.js";
import { Remote } from "../remote.js";
import { cardStyles } from "../style.js";
import "../parts/form-dialog.js";

export abstract class EnergySwapCard extends LitElement {
  static override styles = [cardStyles];

  static getConfigForm(): FormSchema {
    const say = speaker(languageOf(document.documentElement.lang || "en"));
    return {
      schema: [
        { name: "device_id", selector: { device: { integration: "energy_swap" } } },
        { name: "title", selector: { text: {} } },
      ],
      computeLabel: ({ name }) => say(name === "title" ? "title" : "household"),
      computeHelper: ({ name }) => say(name === "title" ? "own_title" : "first_household"),
    };
  }

  static getStubConfig(): Partial<CardConfig> {
    return {};
  }

  @property({ attribute: false }) hass!: Hass;
  @state() protected config: CardConfig | undefined;
  @state() private form: Form | null = null;

  protected say: Say = speaker("en");
  protected times = new Times("en", "UTC");
  #language = "";
  readonly #remotes: Remote<unknown>[] = [];
  #household: { hass: Hass; found: Household | undefined } | undefined;

  setConfig(config: CardConfig): void {
    if (config.device_id !== undefined && typeof config.device_id !== "string") throw new Error("device_id is the id of a household's device");
    const isOther = this.config !== undefined && this.config.device_id !== config.device_id;
    this.config = config;
    this.#household = undefined;
    if (isOther) for (const remote of this.#remotes) remote.forget();
  }

  override addController(controller: ReactiveController): void {
    super.addController(controller);
    if (controller instanceof Remote) this.#remotes.push(controller);
  }

  getCardSize(): number {
    return 5;
  }

  getGridOptions(): GridOptions {
    return { columns: 12, rows: "auto", min_columns: 6 };
  }

  protected get household(): Household | undefined {
    if (this.#household?.hass !== this.hass) {
      const device = this.config?.device_id ?? householdDevices(this.hass)[0];
      this.#household = { hass: this.hass, found: device === undefined ? undefined : new Household(this.hass, device) };
    }
    return this.#household.found;
  }

  protected override willUpdate(): void {
    const language = `${this.hass.language} ${this.hass.config.time_zone}`;
    if (language === this.#language) return;
    this.#language = language;
    this.say = speaker(languageOf(this.hass.language));
    this.times = new Times(languageOf(this.hass.language), this.hass.config.time_zone);
  }

  protected override shouldUpdate(): boolean {
    return (this.hass as Hass | undefined) !== undefined && this.config !== undefined;
  }

  protected override render(): TemplateResult {
    const household = this.household;
    return html`<ha-card>
      ${household === undefined
        ? html`<div class="body"><p>${this.say("no_household")}</p></div>`
        : html`${this.show(household)}${this.form === null
            ? nothing
            : html`<energy-swap-form-dialog
                .form=${this.form}
                .say=${this.say}
                @closed=${() => {
                  this.form = null;
                }}
              ></energy-swap-form-dialog>`}`}
    </ha-card>`;
  }

  /** Shows the card of a household. */
  protected abstract show(household: Household): TemplateResult;

  protected ask(form: Form): void {
    this.form = form;
  }

  protected renderHead(title: string, right: TemplateResult | typeof nothing = nothing): TemplateResult {
    return html`<div class="head"><h2>${this.config?.title ?? title}</h2>${right}</div>`;
  }
}

/** Tells Home Assistant's card picker about a card. */
export function offerCard(type: string, name: string, description: string): void {
  const offered = window as unknown as { customCards?: { type: string; name: string; description: string; preview: boolean }[] };
  offered.customCards ??= [];
  offered.customCards.push({ type, name, description, preview: true });
}
