// Relays: whose connection is open and why, what the hub commanded, what the meter confirmed, and an admin's word on it.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { Relay } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { Remote } from "../remote.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { renderAsk, type Question } from "./ask.js";
import { icon } from "./icons.js";
import { renderMore } from "./more.js";
import { whenHere } from "./pending.js";

const PAGE = 100;

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
  @state() private shown = PAGE;

  readonly #relays = new Remote<Relay[]>(this, () => this.api.relays(), 8);

  protected override render(): TemplateResult {
    return html`<section class="card">
        <p class="soft before-list">${say("relays.means")}</p>
        ${whenHere(this.#relays, (found) => this.#renderAll(found))}
      </section>
      ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  #renderAll(found: Relay[]): TemplateResult {
    if (found.length === 0) return html`<p class="empty">${say("households.none")}</p>`;
    // What somebody should look at comes first, households without a relay last.
    const rank = (one: Relay): number => (one.meter === null ? 3 : !isConfirmed(one) ? 0 : one.meter.is_open ? 1 : 2);
    const sorted = [...found].sort((one, other) => rank(one) - rank(other));
    return html`<ul class="rows">
      ${sorted.slice(0, this.shown).map((one) => this.#renderRelay(one))}
    </ul>
    ${renderMore(sorted.length > this.shown, () => {
      this.shown += PAGE;
    })}`;
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
        await this.#relays.refresh();
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
