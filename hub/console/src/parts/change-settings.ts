// A dialog in which an admin changes settings from a full hour to come on, the length of periods from a midnight UTC; only
// what differs is sent.
import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { clock, day } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { LegalBasis, Settings, SettingsWish, Stage, Tariff } from "../settings-api.js";
import { dialogStyles } from "../style/dialog.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderDialogEnd } from "./dialog-end.js";
import { explain } from "./pending.js";

const HOUR = 3600;
const NAIROBI = 3 * HOUR; // East Africa Time has no summer time
const STAGES: readonly Stage[] = ["partners", "community", "grid"];
const BASES: readonly LegalBasis[] = ["simulation", "private_network", "licensed"];
const LENGTHS = [15, 30, 60] as const;
const PRICES: readonly (keyof Tariff)[] = ["community_fee_cents_per_kwh", "grid_fee_cents_per_kwh", "retail_cents_per_kwh", "feed_in_cents_per_kwh"];
const NUMBERS = { grace_minutes: [1, 120], payout_hour: [0, 23], vat_energy_percent: [0, 100], vat_fees_percent: [0, 100] } as const;

/** A time as a date and time field shows it, in East Africa. */
export const asField = (unix: number): string => new Date((unix + NAIROBI) * 1000).toISOString().slice(0, 16);
/** What such a field says, in Unix seconds. */
export const fromField = (text: string): number => Date.parse(`${text}Z`) / 1000 - NAIROBI;

/** The form's answers as a wish, with only what differs from what counts now. */
export function wishOf(form: FormData, settings: Settings): SettingsWish {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const { valid } = settings;
  const change: SettingsWish["change"] = {};
  const tariff = Object.fromEntries(PRICES.map((name) => [name, Math.round(Number(text(name)) * 100)])) as unknown as Tariff;
  if (PRICES.some((name) => tariff[name] !== valid.tariff[name])) change.tariff = tariff;
  const stages = STAGES.filter((stage) => stage === "community" || form.has(`stage-${stage}`));
  if (stages.join() !== valid.stages.join()) change.stages = stages;
  for (const name of Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]) {
    if (Number(text(name)) !== valid[name]) change[name] = Number(text(name));
  }
  if (Number(text("period_minutes")) !== valid.period_minutes) change.period_minutes = Number(text("period_minutes"));
  const basis = text("legal_basis") as LegalBasis;
  if (basis !== valid.legal_basis) change.legal_basis = basis;
  if (text("legal_reference") !== valid.legal_reference) change.legal_reference = text("legal_reference");
  return { valid_from: fromField(text("valid_from")), reason: text("reason"), change };
}

@customElement("es-change-settings")
export class EsChangeSettings extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    dialogStyles,
    css`
      .lead {
        margin-top: 8px;
      }
      form {
        gap: 16px;
      }
      fieldset {
        border: 0;
        border-top: 1px solid var(--line);
        padding: 12px 0 0;
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 12px 16px;
      }
      legend {
        font-weight: 640;
        padding-right: 10px;
      }
      .wide {
        grid-column: 1 / -1;
      }
      .tick {
        display: flex;
        gap: 10px;
        align-items: center;
        min-height: 44px;
      }
      #length-means {
        margin: 6px 0 0;
      }
      .tick input {
        width: 20px;
        min-height: 20px;
        margin: 0;
      }
      @media (max-width: 520px) {
        fieldset {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) settings!: Settings;
  @state() private problem = "";
  @state() private isBusy = false;
  /** Whether another length of periods is chosen, which counts from a midnight UTC of a later day on. */
  @state() private hasOtherLength = false;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
  }

  protected override render(): TemplateResult {
    const { valid, now } = this.settings;
    const lengthFrom = this.settings.period_change_from;
    const soonest = this.hasOtherLength ? lengthFrom : (Math.floor(now / HOUR) + 1) * HOUR;
    return html`<dialog data-dialog="change_settings" class="wide" aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title">${say("settings.change")}</h2>
      <p class="lead">${say("settings.change_means")}</p>
      <form @submit=${this.#send}>
        <div>
          <label for="valid_from">${say("settings.from")}</label>
          <input id="valid_from" name="valid_from" type="datetime-local" step=${this.hasOtherLength ? 24 * HOUR : HOUR} required min=${asField(soonest)} .value=${asField(soonest)} />
        </div>
        <fieldset>
          <legend>${say("settings.tariff")}</legend>
          ${PRICES.map((name) => this.#renderNumber(name, valid.tariff[name] / 100, 0, 1000, "0.01"))}
        </fieldset>
        <fieldset>
          <legend>${say("settings.market")}</legend>
          <div class="wide">
            ${STAGES.map(
              (stage) =>
                html`<label class="tick"
                  ><input type="checkbox" name="stage-${stage}" ?checked=${valid.stages.includes(stage)} ?disabled=${stage === "community"} />${sayCode("stage", stage)}</label
                >`,
            )}
          </div>
          <div class="wide">
            <label for="period_minutes">${sayCode("setting", "period_minutes")}</label>
            <select
              id="period_minutes"
              name="period_minutes"
              aria-describedby="length-means"
              @change=${(event: Event) => {
                this.hasOtherLength = Number((event.target as HTMLSelectElement).value) !== valid.period_minutes;
              }}
            >
              ${LENGTHS.map((minutes) => html`<option value=${minutes} ?selected=${minutes === valid.period_minutes}>${say("settings.minutes", { count: minutes })}</option>`)}
            </select>
            <p class="soft" id="length-means">
              ${say("settings.length_means", { day: day(lengthFrom, currentLanguage()), hour: clock(lengthFrom) })}
            </p>
          </div>
          ${this.#renderNumber("grace_minutes", valid.grace_minutes, ...NUMBERS.grace_minutes)} ${this.#renderNumber("payout_hour", valid.payout_hour, ...NUMBERS.payout_hour)}
        </fieldset>
        <fieldset>
          <legend>${say("settings.law")}</legend>
          <div>
            <label for="legal_basis">${say("settings.legal_basis")}</label>
            <select id="legal_basis" name="legal_basis">
              ${BASES.map((basis) => html`<option value=${basis} ?selected=${basis === valid.legal_basis}>${sayCode("legal", basis)}</option>`)}
            </select>
          </div>
          <div>
            <label for="legal_reference">${say("settings.legal_reference")}</label>
            <input id="legal_reference" name="legal_reference" maxlength="120" .value=${valid.legal_reference} />
          </div>
          ${this.#renderNumber("vat_energy_percent", valid.vat_energy_percent, ...NUMBERS.vat_energy_percent)}
          ${this.#renderNumber("vat_fees_percent", valid.vat_fees_percent, ...NUMBERS.vat_fees_percent)}
        </fieldset>
        <div>
          <label for="reason">${say("app.reason")}</label>
          <textarea id="reason" name="reason" rows="2" required maxlength="500"></textarea>
        </div>
        ${renderDialogEnd(this.problem, this.isBusy, say("settings.record"), this.#close)}
      </form>
    </dialog>`;
  }

  #renderNumber(name: keyof Tariff | keyof typeof NUMBERS, value: number, least: number, most: number, step = "1"): TemplateResult {
    return html`<div>
      <label for=${name}>${sayCode("setting", name)}</label>
      <input id=${name} name=${name} type="number" required min=${least} max=${most} step=${step} .value=${String(value)} />
    </div>`;
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };

  readonly #send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.isBusy) return;
    const wish = wishOf(new FormData(event.target as HTMLFormElement), this.settings);
    if (Object.keys(wish.change).length === 0) {
      this.problem = say("settings.nothing_changed");
      return;
    }
    this.isBusy = true;
    this.problem = "";
    try {
      await this.api.changeSettings(wish);
      this.#close();
    } catch (problem) {
      this.problem = explain(problem);
    } finally {
      this.isBusy = false;
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-change-settings": EsChangeSettings;
  }
}
