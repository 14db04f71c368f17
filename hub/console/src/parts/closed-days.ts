// The days that the ledger has closed: how much was booked in each, its hash, and whether all of it still is as it was closed.
import { css, html, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { ClosedDays, HubApi } from "../api.js";
import { count, day } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { icon } from "./icons.js";
import { whenHere } from "./pending.js";
import "./key-text.js";

const SHOWN = 400;

@customElement("es-closed-days")
export class EsClosedDays extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    tableStyles,
    css`
      .verdict {
        display: flex;
        gap: 10px;
        align-items: center;
        border-radius: 10px;
        padding: 9px 12px;
        margin: 12px 0;
        font-weight: 560;
      }
      .well {
        background: var(--good-wash);
        color: var(--good);
      }
      .ill {
        background: var(--bad-wash);
        color: var(--bad);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;

  readonly #days = new Remote<ClosedDays>(this, () => this.api.closedDays(), 300);

  protected override render(): TemplateResult {
    return whenHere(this.#days, ({ days, lies }) => this.#renderDays(days, lies));
  }

  #renderDays(days: ClosedDays["days"], lies: string[]): TemplateResult {
    if (days.length === 0) return html`<p class="empty">${say("ledger.no_days")}</p>`;
    return html`<p class="soft">${say("ledger.days_mean")}</p>
      ${lies.length === 0
        ? html`<p class="verdict well">${icon("check")}<span>${say("ledger.days_true", { count: count(days.length) })}</span></p>`
        : lies.map((lie) => html`<p class="verdict ill" role="alert">${icon("alert")}<span>${lie}</span></p>`)}
      <table class="cards">
        <thead>
          <tr>
            <th>${say("ledger.reward_day")}</th>
            <th class="right">${say("ledger.entries")}</th>
            <th>${say("ledger.hash")}</th>
          </tr>
        </thead>
        <tbody>
          ${days.slice(0, SHOWN).map(
            (one) =>
              html`<tr>
                <td class="lead">${day(Date.parse(`${one.day}T12:00Z`) / 1000, currentLanguage())} ${one.day.slice(0, 4)}</td>
                <td class="right tail">${count(one.entries)}</td>
                <td><es-key .text=${one.hash}></es-key></td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${days.length > SHOWN ? html`<p class="soft">${say("app.newest_only", { shown: count(SHOWN), total: count(days.length) })}</p>` : ""}`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-closed-days": EsClosedDays;
  }
}
