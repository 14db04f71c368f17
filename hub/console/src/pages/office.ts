// The office: who did what, how the hub itself is, and one's own sign-in with its second factor and sessions.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import qrcode from "qrcode-generator";
import type { HubApi, Overview, Session } from "../api.js";
import { count, moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { Act, Health, LastingSession, NewFactor } from "../office-api.js";
import { renderAsk, type Question } from "../parts/ask.js";
import { icon } from "../parts/icons.js";
import { explain, whenHere, whenListed } from "../parts/pending.js";
import { LongList, type Part } from "../long-list.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { officeStyles } from "./office.styles.js";
import "../parts/key-text.js";
import "../parts/long-rows.js";
import "../parts/passkeys.js";
import "../parts/programs.js";

type Tab = "audit" | "health" | "programs" | "sign_in";

@customElement("es-office")
export class EsOffice extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ attribute: false }) session!: Session;
  @state() private chosenTab: Tab | null = null;
  @state() private question: Question | null = null;
  @state() private factor: NewFactor | null = null;
  @state() private problem = "";

  /** Only a person's own sign-in is for an installer. */
  get #isReader(): boolean {
    return this.session.role !== "installer";
  }

  get tab(): Tab {
    return this.#isReader ? (this.chosenTab ?? "audit") : "sign_in";
  }

  readonly #acts = new LongList<Act>(
    this,
    (wanted) => (this.#isReader ? this.api.audit(wanted) : Promise.resolve<Part<Act>>({ items: [], total: 0 })),
    (one) => String(one.id),
  );
  readonly #health = new Remote<Health>(this, () => (this.#isReader ? this.api.health() : Promise.resolve({ up_since: null, work: [] })), 10);
  readonly #sessions = new Remote<LastingSession[]>(this, () => this.api.sessions(), 30);

  protected override render(): TemplateResult {
    const tab = (name: Tab): TemplateResult =>
      html`<button
        aria-pressed=${this.tab === name}
        @click=${() => {
          this.chosenTab = name;
        }}
      >
        ${say(`office.${name}`)}
      </button>`;
    return html`
      <div class="page-head">
        <h1>${say("nav.office")}</h1>
        <div class="segments" role="group" aria-label=${say("live.view")} ?hidden=${!this.#isReader}>${tab("audit")}${tab("health")}${tab("programs")}${tab("sign_in")}</div>
      </div>
      ${{
        audit: () => html`<section class="card">${whenListed(this.#acts, () => this.#renderActs())}</section>`,
        health: () => html`<section class="card">${whenHere(this.#health, (health) => this.#renderHealth(health))}</section>`,
        programs: () => html`<es-programs .api=${this.api} .canChange=${this.session.role === "admin"}></es-programs>`,
        sign_in: () => html`<div class="stack">${this.#renderFactor()}<es-passkeys .api=${this.api}></es-passkeys>${whenHere(this.#sessions, (all) => this.#renderSessions(all))}</div>`,
      }[this.tab]()}
      ${renderAsk(this.question, () => { this.question = null; })}
    `;
  }

  #renderActs(): TemplateResult {
    return html`<es-long-rows .list=${this.#acts} .label=${say("office.audit")} .row=${(act: Act) => this.#renderAct(act)} look="rows"></es-long-rows>`;
  }

  #renderAct(act: Act): TemplateResult {
    return html`<li>
      <div class="row-head">
        <b>${act.who.length > 30 ? html`<es-key .text=${act.who}></es-key>` : act.who}</b>
        <span class="soft number">${this.#when(act.at)}</span>
      </div>
      <p>${act.what}${act.subject === act.who ? nothing : html` <span class="soft">· ${act.subject}</span>`}</p>
    </li>`;
  }

  #renderHealth(health: Health): TemplateResult {
    const isLate = health.work.some((one) => one.retried > 0);
    return html`<p class="notice ${isLate ? "warn" : "good"}">
        ${icon(isLate ? "alert" : "check")}
        <span>
          ${say(isLate ? "office.retries" : "office.well")}
          ${health.up_since === null ? nothing : say("office.up_since", { when: this.#when(health.up_since) })}
        </span>
      </p>
      <table class="cards">
        <thead>
          <tr>
            <th>${say("office.work")}</th>
            <th class="right">${say("office.waiting")}</th>
            <th class="right">${say("office.due")}</th>
            <th class="right">${say("office.retried")}</th>
            <th class="right">${say("office.oldest")}</th>
          </tr>
        </thead>
        <tbody>
          ${health.work.map(
            (one) =>
              html`<tr>
                <td class="lead">${sayCode("work", one.kind)}</td>
                <td class="right">${count(one.waiting)}<span class="unit">${say("office.waiting").toLowerCase()}</span></td>
                <td class="right">${count(one.due)}<span class="unit">${say("office.due").toLowerCase()}</span></td>
                <td class="right tail ${one.retried > 0 ? "ill" : ""}">${count(one.retried)}</td>
                <td class="right wide-only">${one.oldest_due_at === null ? "–" : this.#when(one.oldest_due_at)}</td>
              </tr>`,
          )}
        </tbody>
      </table>`;
  }

  #renderFactor(): TemplateResult {
    const hasFactor = this.session.second_factor;
    return html`<section class="card">
      <div class="card-head">
        <h2>${say("office.factor")}</h2>
        <span class="pill ${hasFactor ? "good" : "warn"}">${say(hasFactor ? "office.factor_on" : "office.factor_off")}</span>
      </div>
      <p class="soft">${say("office.factor_means")}</p>
      ${this.problem ? html`<p class="notice bad" role="alert">${icon("alert")}<span>${this.problem}</span></p>` : nothing}
      ${this.factor === null
        ? html`<div class="actions">
            ${hasFactor
              ? html`<button @click=${this.#askRemove}>${say("office.factor_remove")}</button>`
              : html`<button class="primary" @click=${this.#beginFactor}>${say("office.factor_begin")}</button>`}
          </div>`
        : this.#renderNewFactor(this.factor)}
    </section>`;
  }

  #renderNewFactor(factor: NewFactor): TemplateResult {
    return html`<div class="new-factor">
      ${picture(factor.uri, say("office.factor_picture"))}
      <div>
        <p>${say("office.factor_scan")}</p>
        <p><es-key .text=${factor.secret} whole></es-key></p>
        <button class="primary" @click=${this.#askConfirm}>${say("office.factor_enter")}</button>
      </div>
    </div>`;
  }

  #renderSessions(sessions: LastingSession[]): TemplateResult {
    return html`<section class="card">
      <h2>${say("office.sessions")}</h2>
      <ul class="rows">
        ${sessions.map(
          (one) =>
            html`<li>
              <div class="row-head">
                <b>${one.address || say("office.unknown_address")}</b>
                ${one.is_this
                  ? html`<span class="pill good">${say("office.this_session")}</span>`
                  : html`<button class="small" @click=${() => this.#end(one)}>${say("office.end_session")}</button>`}
              </div>
              <p class="soft">${say("office.session_times", { since: realMoment(one.started_at), used: realMoment(one.used_at) })}</p>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  readonly #beginFactor = async (): Promise<void> => {
    this.problem = "";
    try {
      this.factor = await this.api.beginFactor();
    } catch (problem) {
      this.problem = explain(problem);
    }
  };

  readonly #askConfirm = (): void => {
    this.#askCode("confirm_factor", say("office.factor_enter"), say("office.factor_enter_means"), async (code) => {
      await this.api.confirmFactor(code);
      this.factor = null;
    });
  };

  readonly #askRemove = (): void => {
    this.#askCode("remove_factor", say("office.factor_remove"), say("office.factor_remove_means"), (code) => this.api.removeFactor(code));
  };

  #askCode(name: "confirm_factor" | "remove_factor", title: string, lead: string, act: (code: string) => Promise<unknown>): void {
    const label = say("sign_in.code");
    this.question = {
      name,
      title,
      lead,
      label,
      go: title,
      isCode: true,
      act: async (code) => {
        await act(code);
        this.dispatchEvent(new CustomEvent("changed"));
      },
    };
  }

  async #end(one: LastingSession): Promise<void> {
    await this.api.endSession(one.id);
    await this.#sessions.refresh();
  }

  #when(unix: number): string {
    return moment(unix, this.overview?.now ?? unix, currentLanguage());
  }
}

/** Sessions live in real time, also where the community's clock is simulated. */
const realMoment = (unix: number): string => moment(unix, Date.now() / 1000, currentLanguage());

/** The QR code of an address, drawn as one path. */
function picture(text: string, label: string): TemplateResult {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const squares: string[] = [];
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) if (code.isDark(row, column)) squares.push(`M${column} ${row}h1v1h-1z`);
  }
  return html`<svg class="qr" role="img" aria-label=${label} viewBox="-4 -4 ${size + 8} ${size + 8}" shape-rendering="crispEdges"><path d=${squares.join("")}></path></svg>`;
}

declare global {
  interface HTMLElementTagNameMap {
    "es-office": EsOffice;
  }
}
