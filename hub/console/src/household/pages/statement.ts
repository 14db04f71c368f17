// The statement of a month: what came and went, every entry, and the same as a table to keep.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { energy, kes, moment } from "../../format.js";
import { currentLanguage } from "../../language-choice.js";
import type { Statement } from "../answers.js";
import { Reading } from "../reading.js";
import { explain, say, sayCode } from "../say.js";
import { sayLine } from "../statement-lines.js";
import { Page } from "./base.js";

const MONTHS = 12;
const SHOWN = 60;

@customElement("es-statement")
export class EsStatement extends Page {
  /** How many months ago. */
  @state() private ago = 0;
  @state() private isWhole = false;

  readonly #statement = new Reading<Statement>(this, () => `/statement?${this.#span()}`, 60);

  /** The month's first and last day, as the hub takes them; this month ends today. */
  #span(): string {
    const nairobi = new Date((this.hub.now() + 3 * 3600) * 1000);
    const first = Date.UTC(nairobi.getUTCFullYear(), nairobi.getUTCMonth() - this.ago, 1);
    const last = Date.UTC(nairobi.getUTCFullYear(), nairobi.getUTCMonth() - this.ago + 1, 0);
    const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
    return `from=${day(first)}&to=${day(Math.min(last, nairobi.getTime()))}`;
  }

  #nameOf(ago: number): string {
    const nairobi = new Date((this.hub.now() + 3 * 3600) * 1000);
    const month = new Date(Date.UTC(nairobi.getUTCFullYear(), nairobi.getUTCMonth() - ago, 1));
    return month.toLocaleDateString(currentLanguage() === "sw" ? "sw-KE" : "en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
  }

  protected override render(): TemplateResult {
    const found = this.#statement.value;
    return html`<section class="card">
      <h2>${say("statement.title")}</h2>
      <div class="field" style="margin:10px 0 14px">
        <label for="month" class="hidden-text">${say("statement.month")}</label>
        <select id="month" @change=${this.#choose}>
          ${Array.from({ length: MONTHS }, (_none, ago) => html`<option value=${ago} ?selected=${ago === this.ago}>${this.#nameOf(ago)}</option>`)}
        </select>
      </div>
      ${found ? this.#renderStatement(found) : html`<p class="empty">${this.#statement.problem ? explain(this.#statement.problem) : say("app.loading")}</p>`}
    </section>`;
  }

  #renderStatement(found: Statement): TemplateResult {
    const total = (name: string): string => kes(found.totals[name] ?? 0);
    const lines = found.lines.toReversed();
    return html`<div class="figures">
        <div><span class="label">${say("statement.earned")}</span><b>${total("earned_cents")}</b></div>
        <div><span class="label">${say("statement.spent")}</span><b>${total("spent_cents")}</b></div>
        <div><span class="label">${say("statement.in")}</span><b>${total("topped_up_cents")}</b></div>
        <div><span class="label">${say("statement.out")}</span><b>${total("paid_out_cents")}</b></div>
        <div><span class="label">${say("statement.begin")}</span><b>${kes(found.opening.kes_cents)}</b></div>
        <div><span class="label">${say("statement.end")}</span><b>${kes(found.closing.kes_cents)}</b></div>
      </div>
      <div class="buttons">
        <a class="button" href="/api/v1/app/statement.pdf?${this.#span()}&amp;language=${currentLanguage()}" download>${say("statement.pdf")}</a>
        <a class="button" href="/api/v1/app/statement.csv?${this.#span()}" download>${say("statement.csv")}</a>
      </div>
      ${lines.length === 0
        ? html`<p class="empty">${say("statement.empty")}</p>`
        : html`<details ?open=${this.isWhole} @toggle=${this.#toggled}>
            <summary>${say("statement.lines")} (${lines.length})</summary>
            ${this.isWhole ? this.#renderLines(lines) : nothing}
          </details>`}`;
  }

  #renderLines(lines: Statement["lines"]): TemplateResult {
    const language = currentLanguage();
    return html`<ul class="list">
      ${lines.slice(0, SHOWN).map((line) => {
        const cents = line.change.kes_cents + line.change.kes_held_cents;
        const wh = line.change.ekwh_wh + line.change.ekwh_held_wh;
        return html`<li>
          <div class="what"><b>${sayCode("kind", line.kind) ?? line.kind}</b><span>${moment(line.booked_at, this.hub.now(), language)} · ${sayLine(line, this.hub.now())}</span></div>
          <div class="much ${cents > 0 ? "plus" : ""}">${kes(cents, true)}${wh === 0 ? nothing : html`<span>${energy(wh, true)}</span>`}</div>
        </li>`;
      })}
    </ul>`;
  }

  readonly #choose = (event: Event): void => {
    this.ago = Number((event.target as HTMLSelectElement).value);
    this.#statement.kept = this.hub.kept(`/statement?${this.#span()}`);
    void this.#statement.refresh();
  };

  readonly #toggled = (event: Event): void => {
    this.isWhole = (event.target as HTMLDetailsElement).open;
  };
}
