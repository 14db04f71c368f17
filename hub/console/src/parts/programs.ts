// Programs that read the community's figures: which have a token, making one, revoking one.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import { SCOPES, type Scope, type Token } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { icon } from "./icons.js";
import { explain, whenHere } from "./pending.js";
import { programsStyles } from "./programs.styles.js";
import "./key-text.js";

const DAYS = [30, 90, 366];

@customElement("es-programs")
export class EsPrograms extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, officeStyles, programsStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ type: Boolean }) canChange = false;
  @state() private made = "";
  @state() private problem = "";

  readonly #tokens = new Remote<Token[]>(this, () => this.api.tokens(), 30);

  protected override render(): TemplateResult {
    return html`<div class="stack">
      ${this.problem ? html`<p class="notice bad" role="alert">${icon("alert")}<span>${this.problem}</span></p>` : nothing}
      ${this.made ? this.#renderMade() : nothing} ${this.canChange && !this.made ? this.#renderForm() : nothing}
      ${whenHere(this.#tokens, (tokens) => this.#renderTokens(tokens))}
    </div>`;
  }

  #renderForm(): TemplateResult {
    return html`<form class="card" @submit=${this.#make}>
      <h2>${say("programs.new")}</h2>
      <p class="soft">${say("programs.means")}</p>
      <label>${say("programs.name")}<input name="name" required maxlength="80" autocomplete="off" placeholder=${say("programs.name_example")} /></label>
      <fieldset>
        <legend>${say("programs.scopes")}</legend>
        ${SCOPES.map((scope) => html`<label class="choice"><input type="checkbox" name="scopes" value=${scope} /><span>${say(`scope.${scope}`)}</span></label>`)}
      </fieldset>
      <label
        >${say("programs.days")}<select name="days">
          ${DAYS.map((days) => html`<option value=${days}>${say("programs.day_count", { days })}</option>`)}
        </select></label
      >
      <div class="actions"><button class="primary">${say("programs.make")}</button></div>
    </form>`;
  }

  #renderMade(): TemplateResult {
    return html`<section class="card">
      <h2>${say("programs.made")}</h2>
      <p>${say("programs.made_means")}</p>
      <p class="token"><es-key .text=${this.made} whole></es-key></p>
      <div class="actions">
        <button
          class="primary"
          @click=${() => {
            this.made = "";
          }}
        >
          ${say("programs.kept")}
        </button>
      </div>
    </section>`;
  }

  #renderTokens(tokens: Token[]): TemplateResult {
    return html`<section class="card">
      <h2>${say("programs.all")}</h2>
      ${tokens.length === 0 ? html`<p class="empty">${say("programs.none")}</p>` : html`<ul class="rows">${tokens.map((one) => this.#renderToken(one))}</ul>`}
    </section>`;
  }

  #renderToken(one: Token): TemplateResult {
    const hasEnded = one.expires_at <= Date.now() / 1000;
    const counts = one.revoked_at === null && !hasEnded;
    return html`<li>
      <div class="row-head">
        <b>${one.name}</b>
        ${counts && this.canChange
          ? html`<button class="small" @click=${() => this.#revoke(one)}>${say("programs.revoke")}</button>`
          : html`<span class="pill ${counts ? "good" : ""}">${say(counts ? "programs.counts" : hasEnded ? "programs.ended" : "programs.revoked")}</span>`}
      </div>
      <p>${one.scopes.map((scope) => say(`scope.${scope}`)).join(" · ")}</p>
      <p class="soft">${say("programs.times", { who: one.made_by, made: when(one.made_at), until: when(one.expires_at) })}</p>
    </li>`;
  }

  readonly #make = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const scopes = form.getAll("scopes") as Scope[];
    if (scopes.length === 0) {
      this.problem = say("programs.scopes_needed");
      return;
    }
    await this.#attempt(async () => {
      const name = form.get("name") as string;
      this.made = (await this.api.makeToken(name, scopes, Number(form.get("days")))).token;
    });
  };

  async #revoke(one: Token): Promise<void> {
    await this.#attempt(() => this.api.revokeToken(one.id));
  }

  async #attempt(act: () => Promise<unknown>): Promise<void> {
    this.problem = "";
    try {
      await act();
      await this.#tokens.refresh();
    } catch (problem) {
      this.problem = explain(problem);
    }
  }
}

/** Tokens live in real time, also where the community's clock is simulated. */
const when = (unix: number): string => moment(unix, Date.now() / 1000, currentLanguage());

declare global {
  interface HTMLElementTagNameMap {
    "es-programs": EsPrograms;
  }
}
