// The community's settings: those that count now, every change of them with its reason, and an admin's changing.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { clock, day, kes } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { renderAsk, type Question } from "../parts/ask.js";
import { icon } from "../parts/icons.js";
import { whenHere } from "../parts/pending.js";
import { Remote } from "../remote.js";
import type { Settings, SettingsChange, Tariff, Valid } from "../settings-api.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { officeStyles } from "./office.styles.js";
import "../parts/change-settings.js";

const PILL: Record<SettingsChange["state"], string> = { founding: "", valid: "good", coming: "warn", withdrawn: "bad" };

@customElement("es-settings")
export class EsSettings extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    officeStyles,
    css`
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(210px, 1fr));
        gap: 14px 24px;
      }
      dt {
        font-size: 13px;
        color: var(--ink-soft);
      }
      dd {
        margin: 2px 0 0;
        font-weight: 600;
        font-variant-numeric: tabular-nums;
        overflow-wrap: anywhere;
      }
      .card-head {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        align-items: center;
        gap: 10px;
        margin-bottom: 12px;
      }
      .rows dl {
        margin-top: 8px;
        gap: 8px 24px;
      }
      .months li {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        align-items: center;
        gap: 4px 20px;
      }
      .links {
        display: flex;
        flex-wrap: wrap;
        gap: 0 18px;
      }
      .links a {
        display: inline-flex;
        align-items: center;
        min-height: 44px;
      }
      .withdrawn dl {
        opacity: 0.6;
        text-decoration: line-through;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canChange = false;
  @state() private isChanging = false;
  @state() private question: Question | null = null;

  readonly #months = new Remote<string[]>(this, () => this.api.months(), 600);
  readonly #settings = new Remote<Settings>(this, () => this.api.settings(), 20);

  protected override render(): TemplateResult {
    return html`
      <div class="page-head"><h1>${say("nav.settings")}</h1></div>
      ${whenHere(this.#settings, (settings) => this.#renderAll(settings))}
    `;
  }

  #renderAll(settings: Settings): TemplateResult {
    const hasBasis = settings.valid.legal_basis !== "simulation";
    const isBad = settings.moves_real_money && !hasBasis;
    return html`
      <p class="notice ${isBad ? "bad" : hasBasis ? "good" : ""}">
        ${icon(isBad ? "alert" : "check")}
        <span>${say(hasBasis ? "settings.has_basis" : isBad ? "settings.no_basis" : "settings.simulates")}</span>
      </p>
      <div class="stack">
        <section class="card">
          <div class="card-head">
            <h2>${say("settings.now")}</h2>
            ${this.canChange
              ? html`<button
                  class="primary"
                  @click=${() => {
                    this.isChanging = true;
                  }}
                >
                  ${say("settings.change")}
                </button>`
              : nothing}
          </div>
          ${renderValues(settings.valid)}
        </section>
        <section class="card">
          <h2>${say("reports.title")}</h2>
          <p class="soft">${say("reports.means")}</p>
          ${whenHere(
            this.#months,
            (months) =>
              html`<ul class="rows months">
                ${months.map((month) => this.#renderMonth(month))}
              </ul>`,
          )}
        </section>
        <section class="card">
          <h2>${say("settings.history")}</h2>
          <ul class="rows">
            ${settings.history.map((one) => this.#renderChange(one))}
          </ul>
        </section>
      </div>
      ${this.isChanging
        ? html`<es-change-settings
            .api=${this.api}
            .settings=${settings}
            @closed=${() => {
              this.isChanging = false;
              void this.#settings.refresh();
            }}
          ></es-change-settings>`
        : nothing}
      ${renderAsk(this.question, () => { this.question = null; })}
    `;
  }

  #renderMonth(month: string): TemplateResult {
    const path = `/api/v1/console/months/${month}`;
    const link = (what: "invoices" | "report", format: "csv" | "json"): TemplateResult =>
      html`<a download href="${path}/${what}?format=${format}">${say(`reports.${what}`)} ${format.toUpperCase()}</a>`;
    return html`<li>
      <b>${month}</b>
      <span class="links">${link("invoices", "csv")} ${link("invoices", "json")} ${link("report", "csv")} ${link("report", "json")}</span>
    </li>`;
  }

  #renderChange(one: SettingsChange): TemplateResult {
    const { id } = one;
    return html`<li class=${one.state}>
      <div class="row-head">
        <b>${say("settings.since", { when: `${day(one.valid_from, currentLanguage())} ${clock(one.valid_from)}` })}</b>
        <span class="pill ${PILL[one.state]}">${sayCode("change", one.state)}</span>
        ${one.state === "coming" && this.canChange && id !== null
          ? html`<button class="small" @click=${() => {
              this.#askWithdraw(id);
            }}>${say("settings.withdraw")}</button>`
          : nothing}
      </div>
      <p>${one.reason || say("settings.founding")} <span class="soft">· ${one.who}</span></p>
      ${renderValues(one.change)}
    </li>`;
  }

  #askWithdraw(id: number): void {
    this.question = {
      name: "withdraw_settings",
      title: say("settings.withdraw"),
      lead: say("settings.withdraw_means"),
      label: say("app.reason"),
      go: say("settings.withdraw"),
      act: async (reason) => {
        await this.api.withdrawSettings(id, reason);
        await this.#settings.refresh();
      },
    };
  }
}

function renderValues(values: Partial<Valid>): TemplateResult {
  const rows: [string, string][] = [];
  const add = (name: string, value: string): void => {
    rows.push([sayCode("setting", name), value]);
  };
  for (const [name, cents] of Object.entries(values.tariff ?? {}) as [keyof Tariff, number][]) add(name, `${kes(cents)} / kWh`);
  if (values.stages) add("stages", values.stages.map((stage) => sayCode("stage", stage)).join(", "));
  if (values.period_minutes !== undefined) add("period_minutes", say("settings.minutes", { count: values.period_minutes }));
  if (values.grace_minutes !== undefined) add("grace_minutes", say("settings.minutes", { count: values.grace_minutes }));
  if (values.payout_hour !== undefined) add("payout_hour", `${String(values.payout_hour).padStart(2, "0")}:00`);
  if (values.legal_basis !== undefined) add("legal_basis", sayCode("legal", values.legal_basis));
  if (values.legal_reference) add("legal_reference", values.legal_reference);
  for (const name of ["vat_energy_percent", "vat_fees_percent"] as const) if (values[name] !== undefined) add(name, `${values[name]} %`);
  return html`<dl>
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

declare global {
  interface HTMLElementTagNameMap {
    "es-settings": EsSettings;
  }
}
