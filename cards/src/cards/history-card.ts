// The household's settled periods, newest first: only the rows on screen exist, so years of them scroll smoothly.
// The virtualizer is no element of its own here: Home Assistant defines one by the name that the package gives it.
import { virtualize } from "@lit-labs/virtualizer/virtualize.js";
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { amount, energy, whole } from "../format.js";
import type { GridOptions } from "../hass.js";
import type { Household } from "../household.js";
import { historyRows, type HistoryRow } from "../records.js";
import { Remote } from "../remote.js";
import { cardStyles } from "../style.js";
import { EnergySwapCard, offerCard } from "./card.js";

const DAYS = 365;
const DAY = 86_400_000;

/** The day of a moment in milliseconds, as the actions take it. */
const day = (at: number): string => new Date(at).toISOString().slice(0, 10);

@customElement("energy-swap-history-card")
export class EnergySwapHistoryCard extends EnergySwapCard {
  static override styles = [
    cardStyles,
    css`
      .list {
        height: 420px;
        contain: strict;
        border-top: 1px solid var(--line);
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 0.9fr) minmax(0, 1.4fr) minmax(0, 0.9fr);
        gap: 0 10px;
        align-items: center;
        width: 100%;
        height: 52px;
        padding: 0 16px;
        border-bottom: 1px solid var(--line);
        font-size: 14px;
      }
      .row > :not(:first-child) {
        text-align: right;
      }
      .row small {
        display: block;
        color: var(--soft);
        font-size: 12px;
      }
      .gain {
        color: var(--good);
      }
      .head {
        padding-bottom: 14px;
      }
      .body {
        padding-top: 0;
      }
    `,
  ];

  readonly #rows = new Remote<HistoryRow[]>(this, () => this.#ask(), 300);

  override getGridOptions(): GridOptions {
    return { columns: 12, rows: "auto", min_columns: 6 };
  }

  protected override show(): TemplateResult {
    const rows = this.#rows.value;
    return html`${this.renderHead(this.say("history"), rows ? html`<span class="pill">${this.say("periods", { count: rows.length === 1 ? 1 : whole(rows.length) })}</span>` : nothing)}
      ${rows?.length ? nothing : html`<p class="body soft">${this.#rows.problem || this.say(rows ? "no_history" : "loading")}</p>`}
      ${rows?.length
        ? html`<div class="list" tabindex="0" role="list" aria-label=${this.say("history")}>
            ${virtualize({ scroller: true, items: rows, renderItem: (row: HistoryRow) => this.#renderRow(row) })}
          </div>`
        : nothing}`;
  }

  #renderRow(row: HistoryRow): TemplateResult {
    const net = (row.earned_cents - row.paid_cents) / 100;
    const traded = row.sold_wh > 0 ? this.say("row_sold", { energy: energy(row.sold_wh / 1000) }) : row.bought_wh > 0 ? this.say("row_bought", { energy: energy(row.bought_wh / 1000) }) : "–";
    return html`<div class="row" role="listitem">
      <span class="number">${this.times.clock(row.start)}<small>${this.times.day(row.start)}</small></span>
      <span class="number">${traded}<small>${this.#balance(row)}</small></span>
      <b class="number ${net > 0 ? "gain" : ""}">${net === 0 ? "–" : amount(net, true)}</b>
    </div>`;
  }

  /** What the meter counted beyond what came back, if anything: the grid's part is not said here. */
  #balance(row: HistoryRow): string {
    const given = row.export_wh - row.import_wh;
    if (given === 0) return "";
    return this.say(given < 0 ? "row_took" : "row_gave", { energy: energy(Math.abs(given) / 1000) });
  }

  async #history(household: Household): Promise<HistoryRow[]> {
    // Up to whatever is later: today, or the newest period that the community settled, whose clock need not be this one.
    const settled = Date.parse(household.text("last_settlement") ?? "");
    const to = Math.max(Date.now(), Number.isNaN(settled) ? 0 : settled);
    const { csv } = await household.act<{ csv: string }>("export_history", { from: day(to - DAYS * DAY), to: day(to + DAY) });
    return historyRows(csv);
  }

  #ask(): Promise<HistoryRow[]> | null {
    const household = this.household;
    return household === undefined ? null : this.#history(household);
  }
}

offerCard("energy-swap-history-card", "Energy Swap: history", "Every settled period of the last year: what was sold, bought, earned and paid.");

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-history-card": EnergySwapHistoryCard;
  }
}
