// Meters: how each is, its relay, which readings were refused and why, register epochs, and a replaced meter that waits for a word.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { clock, count, energy, moment, power } from "../format.js";
import { HouseholdList } from "../household-list.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import type { Meter, QuarantinedFrame, WaitingMeter } from "../office-api.js";
import { renderAsk, type Question } from "../parts/ask.js";
import { householdName } from "../parts/household-name.js";
import { icon } from "../parts/icons.js";
import { renderFind, renderHead, renderSort, renderStandings, type Column } from "../parts/list-controls.js";
import { explain, whenListed } from "../parts/pending.js";
import { LongList } from "../long-list.js";
import { Remote } from "../remote.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { officeStyles } from "./office.styles.js";
import "../parts/key-text.js";
import "../parts/long-rows.js";
import "../parts/relays.js";

type Tab = "all" | "relays" | "refused";

/** A meter signs a reading every minute; after a quarter of an hour something is wrong with it or its way here. */
const STALE_SECONDS = 900;
const STANDINGS = { well: "meters.well", silent: "meters.silent", refused: "meters.refused" } as const;
const JOINED: Column = { sort: "number", word: "households.joined" };
const NAME: Column = { sort: "name", word: "households.household" };
const READING: Column = { sort: "reading", word: "meters.reading" };
const REFUSED: Column = { sort: "refused", word: "meters.refused", isFalling: true };

@customElement("es-meters")
export class EsMeters extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canChange = false;
  /** An installer asks for a meter to be let in, and cuts nobody off. */
  @property({ type: Boolean }) canSwitch = false;
  @state() private tab: Tab = "all";
  @state() private question: Question | null = null;

  readonly #meters = new HouseholdList<Meter>(this, (choice, wanted) => this.api.meters(choice, wanted), "number", 10);
  readonly #waiting = new Remote<WaitingMeter[]>(this, () => this.api.waitingMeters(), 10);
  readonly #refused = new LongList<QuarantinedFrame>(this, (wanted) => this.api.quarantine(wanted), (one) => String(one.id), 30);

  protected override render(): TemplateResult {
    const tab = (name: Tab): TemplateResult =>
      html`<button
        aria-pressed=${this.tab === name}
        @click=${() => {
          this.tab = name;
        }}
      >
        ${say(`meters.${name}`)}
      </button>`;
    return html`
      <div class="page-head">
        <h1>${say("nav.meters")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")}>${tab("all")}${tab("relays")}${tab("refused")}</div>
      </div>
      ${this.tab === "all"
        ? html`<div class="stack">${this.#waiting.problem ? html`<p class="pill bad" role="alert">${explain(this.#waiting.problem)}</p>` : nothing}${(this.#waiting.value ?? []).map((one) => this.#renderWaiting(one))}${this.#renderMeters()}</div>`
        : this.tab === "relays"
          ? html`<es-relays .api=${this.api} .overview=${this.overview} ?canChange=${this.canSwitch}></es-relays>`
          : html`<section class="card">
              <p class="soft before-list">${say("meters.refused_means")}</p>
              ${whenListed(this.#refused, () => this.#renderRefused())}
            </section>`}
      ${renderAsk(this.question, () => { this.question = null; })}
    `;
  }

  #renderWaiting(one: WaitingMeter): TemplateResult {
    return html`<article class="card waiting-meter">
      <div class="card-head">
        <h2>${say("meters.waits", { name: householdName(this.overview, one.household) })}</h2>
        <span class="pill warn">${say("meters.waiting_frames", { count: one.frames })}</span>
      </div>
      <p>${one.reason}</p>
      <dl class="facts">
        <div><dt>${say("meters.meter")}</dt><dd><es-key .text=${one.meter}></es-key></dd></div>
        <div><dt>${say("meters.measured")}</dt><dd class="number">${this.#when(one.measured_at)}</dd></div>
        <div><dt>${say("meters.export")}</dt><dd class="number">${energy(one.export_wh)}</dd></div>
        <div><dt>${say("meters.import")}</dt><dd class="number">${energy(one.import_wh)}</dd></div>
      </dl>
      ${one.asked !== null
        ? html`<p class="notice warn">${say("meters.asked", { count: one.asked.signatures, needed: one.asked.needed })} ${this.canSwitch ? html`<a href=${writeRoute("households")}>${say("nav.households")}</a>` : nothing}</p>`
        : this.canChange
        ? html`<button class="primary" @click=${() => { this.#askEpoch(one); }}>${say("meters.begin")}</button>`
        : html`<p class="soft">${say("meters.admin_begins")}</p>`}
    </article>`;
  }

  #renderMeters(): TemplateResult {
    const head = (column: Column, look: string): TemplateResult => renderHead(this.#meters, column, look);
    return html`<section class="card">
      <div class="list-head">${renderFind(this.#meters)} ${renderStandings(this.#meters, "meters.every", STANDINGS)} ${renderSort(this.#meters, [JOINED, NAME, READING, REFUSED])}</div>
      ${whenListed(
        this.#meters.rows,
        () => html`<es-long-rows
          .list=${this.#meters.rows}
          .label=${say("meters.all")}
          .head=${html`${head(NAME, "name")}
            <th>${say("meters.state")}</th>
            <th>${say("meters.meter")}</th>
            ${head(READING, "right")}
            <th class="right">${say("meters.export")}</th>
            <th class="right">${say("meters.import")}</th>
            <th class="right">${say("meters.generation")}</th>
            ${head(REFUSED, "right")}`}
          .row=${(one: Meter) => this.#renderMeter(one)}
          look="cards"
        ></es-long-rows>`,
        this.#meters.isEmpty ? "households.none" : "households.none_found",
      )}
    </section>`;
  }

  #renderMeter(one: Meter): TemplateResult {
    const wh = (value: number | null): string => (value === null ? "–" : energy(value));
    return html`<tr>
      <td class="lead name"><span><a href=${writeRoute("households", one.household)}>${one.name}</a>${one.epochs.length === 0 ? nothing : this.#renderEpochs(one)}</span></td>
      <td class="tail">${this.#renderState(one)}</td>
      <td class="wide-only"><es-key .text=${one.meter}></es-key></td>
      <td class="right">${one.measured_at === null ? "–" : this.#when(one.measured_at)}</td>
      <td class="right">${wh(one.export_wh)}<span class="unit">${say("meters.export").toLowerCase()}</span></td>
      <td class="right">${wh(one.import_wh)}<span class="unit">${say("meters.import").toLowerCase()}</span></td>
      <td class="right wide-only">${wh(one.generation_wh)}</td>
      <td class="right wide-only ${one.quarantined > 0 ? "ill" : ""}">${count(one.quarantined)}</td>
    </tr>`;
  }

  /** The changes of its meter, newest last, to be opened. */
  #renderEpochs(one: Meter): TemplateResult {
    return html`<details class="epochs">
      <summary>${say("meters.epochs", { count: one.epochs.length })}</summary>
      ${one.epochs.map(
        (epoch) => html`<p>
          ${say("meters.epoch", { number: epoch.number, when: this.#when(epoch.since), who: epoch.who })}: ${epoch.reason}
          ${epoch.proposal === null ? nothing : html`<span>(${say("meters.signed", { proposal: epoch.proposal })})</span>`}
          <es-key .text=${epoch.meter}></es-key>
        </p>`,
      )}
    </details>`;
  }

  #renderState(one: Meter): TemplateResult {
    if (one.measured_at === null) return html`<span class="pill">${say("meters.no_reading")}</span>`;
    if (this.#now() - one.measured_at > STALE_SECONDS) return html`<span class="pill bad">${icon("alert", 15)} ${say("meters.silent")}</span>`;
    const now = one.net_w === null ? "" : say(one.net_w < 0 ? "households.gives" : "households.takes", { quantity: power(Math.abs(one.net_w)) });
    return html`<span class="pill good">${now || say("meters.well")}</span>`;
  }

  #renderRefused(): TemplateResult {
    return html`<es-long-rows
      .list=${this.#refused}
      .label=${say("meters.refused")}
      .row=${(one: QuarantinedFrame) => this.#renderFrame(one)}
      look="rows"
    ></es-long-rows>`;
  }

  #renderFrame(one: QuarantinedFrame): TemplateResult {
    return html`<li>
      <div class="row-head">
        <b>${householdName(this.overview, one.household)}</b>
        <span class="soft number">${moment(one.received_at, this.#now(), currentLanguage())}</span>
      </div>
      <p>${one.reason}</p>
      <p class="soft number">
        ${one.measured_at === null
          ? say("meters.unreadable")
          : say("meters.frame", {
              sequence: one.sequence ?? 0,
              when: clock(one.measured_at),
              export: energy(one.export_wh ?? 0),
              import: energy(one.import_wh ?? 0),
            })}
      </p>
    </li>`;
  }

  #askEpoch(one: WaitingMeter): void {
    this.question = {
      name: "begin_epoch",
      title: say("meters.begin_title", { name: householdName(this.overview, one.household) }),
      lead: say("meters.begin_means"),
      label: say("app.reason"),
      go: say("meters.begin"),
      act: async (reason) => {
        await this.api.askEpoch(one.household, one.frame, reason);
        await this.#waiting.refresh();
      },
    };
  }

  #when(unix: number): string {
    return moment(unix, this.#now(), currentLanguage());
  }

  #now(): number {
    return this.overview?.now ?? 0;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-meters": EsMeters;
  }
}
