// What ever moved one account of the ledger, the newest first, with its balance after each; also as CSV.
import { css, html, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { AccountMove, HubApi, Overview } from "../api.js";
import { amount, exactEnergy, moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { LongList } from "../long-list.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { accountTitle } from "./account-title.js";
import { inLocalTime } from "./entry-title.js";
import { whenListed } from "./pending.js";
import "./long-rows.js";

@customElement("es-account-statement")
export class EsAccountStatement extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    tableStyles,
    css`
      .back {
        display: inline-flex;
        align-items: center;
        min-height: var(--touch);
      }
      .minus {
        color: var(--bad);
      }
      td small {
        display: block;
        font-size: 13px;
        color: var(--ink-soft);
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property() account = "";

  readonly #moves = new LongList<AccountMove>(this, (wanted) => this.api.accountMoves(this.account, wanted), (one) => String(one.id));

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.get("account")) void this.#moves.restart();
  }

  protected override render(): TemplateResult {
    return html`<p><a class="back" href=${writeRoute("ledger")}>← ${say("ledger.balance")}</a></p>
      <section class="card">
        <div class="card-head">
          <h2>${accountTitle(this.account, this.overview)}</h2>
          <a download href="/api/v1/console/ledger/accounts/${encodeURIComponent(this.account)}/statement.csv">${say("ledger.as_csv")}</a>
        </div>
        ${whenListed(this.#moves, () => this.#renderMoves())}
      </section>`;
  }

  #renderMoves(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#moves}
      .label=${say("ledger.statement", { account: this.account })}
      .head=${html`<th>${say("ledger.what")}</th>
        <th>${say("ledger.booked")}</th>
        <th class="right">${say("ledger.amount")}</th>
        <th class="right">${say("ledger.balance_after")}</th>`}
      .row=${(one: AccountMove) =>
        html`<tr>
          <td class="lead">${inLocalTime(one.text || sayCode("source", one.source))}<small>${say("ledger.entry", { id: one.id })} · ${sayCode("source", one.source)}</small></td>
          <td class="number">${moment(one.booked_at, this.overview?.now ?? 0, currentLanguage())}</td>
          <td class="right tail ${one.amount < 0 ? "minus" : ""}">${this.#quantity(one.amount, true)}</td>
          <td class="right">${this.#quantity(one.balance)}</td>
        </tr>`}
      look="cards"
    ></es-long-rows>`;
  }

  #quantity(value: number, isSignShown = false): string {
    return /:ekwh|^(minted|burned)$/.test(this.account) ? `${exactEnergy(value, isSignShown)} eKWh` : `${amount(value, isSignShown)} KES`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-account-statement": EsAccountStatement;
  }
}
