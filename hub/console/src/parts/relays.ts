// Relays: whose connection is open and why, what the hub commanded, what the meter confirmed, and an admin's word on it.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { moment } from "../format.js";
import { HouseholdList } from "../household-list.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { Relay } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { renderAsk, type Question } from "./ask.js";
import { icon } from "./icons.js";
import { renderFind, renderStandings } from "./list-controls.js";
import "./long-rows.js";
import { whenListed } from "./pending.js";

const STANDINGS = { unfollowed: "relays.unfollowed", open: "relays.open", closed: "relays.closed" } as const;

type Mark = "protect" | "unprotect" | "end" | "restore";

const MARKS: Record<Mark, { is_protected?: boolean; is_ended?: boolean }> = {
  protect: { is_protected: true },
  unprotect: { is_protected: false },
  end: { is_ended: true },
  restore: { is_ended: false },
};

@customElement("es-relays")
export class EsRelays extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canChange = false;
  @state() private question: Question | null = null;

  /** What somebody should look at comes first, households without a relay last. */
  readonly #relays = new HouseholdList<Relay>(this, (choice, wanted) => this.api.relays(choice, wanted), "attention", 8);

  protected override render(): TemplateResult {
    return html`<section class="card">
        <p class="soft before-list">${say("relays.means")}</p>
        <div class="list-head">${renderFind(this.#relays)} ${renderStandings(this.#relays, "households.everybody", STANDINGS)}</div>
        ${whenListed(
          this.#relays.rows,
          () => html`<es-long-rows .list=${this.#relays.rows} .label=${say("meters.relays")} .row=${(one: Relay) => this.#renderRelay(one)} look="rows"></es-long-rows>`,
          this.#relays.isEmpty ? "households.none" : "households.none_found",
        )}
      </section>
      ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  #renderRelay(one: Relay): TemplateResult {
    return html`<li>
      <div class="row-head">
        <b><a href=${writeRoute("households", one.household)}>${one.name}</a></b>
        <span class="pills">
          ${one.is_protected ? html`<span class="pill good">${say("relays.protected")}</span>` : nothing} ${this.#renderState(one)}
        </span>
      </div>
      ${one.wanted === "none" ? nothing : html`<p>${sayCode("relay_reason", one.wanted)}</p>`}
      ${one.meter === null ? nothing : html`<p class="soft">${this.#lastCommand(one)} · ${say("relays.told", { when: this.#when(one.meter.reported_at) })}</p>`}
      ${this.canChange ? html`<div class="actions">${this.#marksFor(one).map((mark) => this.#renderMark(one, mark))}</div>` : nothing}
    </li>`;
  }

  #renderState(one: Relay): TemplateResult {
    if (one.meter === null) return html`<span class="pill">${say("relays.none")}</span>`;
    const is = say(one.meter.is_open ? "relays.open" : "relays.closed");
    if (!isConfirmed(one)) return html`<span class="pill warn">${is} · ${say("relays.unconfirmed")}</span>`;
    return html`<span class="pill ${one.meter.is_open ? "bad" : "good"}">${icon(one.meter.is_open ? "alert" : "check", 15)} ${is}</span>`;
  }

  #lastCommand(one: Relay): string {
    if (one.command === null || one.meter === null) return say("relays.no_command");
    const { sequence, action, issued_at } = one.command;
    const outcome = one.meter.sequence >= sequence ? sayCode("relay_outcome", one.meter.outcome) : say("relays.on_its_way");
    const until = one.meter.open_until === null ? "" : ` ${say("relays.until", { when: this.#when(one.meter.open_until) })}`;
    return `${say("relays.command", { number: sequence, action: sayCode("relay_action", action), when: this.#when(issued_at), outcome })}${until}`;
  }

  #marksFor(one: Relay): Mark[] {
    if (one.is_protected) return ["unprotect"];
    if (one.is_ended) return ["restore"];
    return one.meter === null ? ["protect"] : ["end", "protect"];
  }

  #renderMark(one: Relay, mark: Mark): TemplateResult {
    return html`<button
      class="small"
      @click=${() => {
        this.#ask(one, mark);
      }}
    >
      ${sayCode("relay_mark", mark)}
    </button>`;
  }

  #ask(one: Relay, mark: Mark): void {
    this.question = {
      name: `relay.${mark}`,
      title: `${sayCode("relay_mark", mark)}: ${one.name}`,
      lead: sayCode("relay_mark_means", mark),
      label: say("app.reason"),
      go: sayCode("relay_mark", mark),
      act: async (reason) => {
        await this.api.markRelay(one.household, { ...MARKS[mark], reason });
        await this.#relays.rows.refresh();
      },
    };
  }

  #when(unix: number): string {
    return moment(unix, this.overview?.now ?? 0, currentLanguage());
  }
}

/** The meter is as the hub wants it, and knows whether its household is protected. */
function isConfirmed(one: Relay): boolean {
  return one.meter !== null && one.meter.is_open === (one.wanted !== "none") && one.meter.is_protected === one.is_protected;
}

declare global {
  interface HTMLElementTagNameMap {
    "es-relays": EsRelays;
  }
}
