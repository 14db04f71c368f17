// One's own passkeys: which devices may sign in, making one on this device, removing one.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import type { Passkey, Passkeys } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { hasPasskeys, makePasskey } from "../passkeys.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import { icon } from "./icons.js";
import { explain, whenHere } from "./pending.js";

@customElement("es-passkeys")
export class EsPasskeys extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @state() private question: Question | null = null;
  @state() private problem = "";

  readonly #passkeys = new Remote<Passkeys>(this, () => this.api.passkeys(), 60);

  protected override render(): TemplateResult {
    return html`<section class="card">
        <h2>${say("passkeys.title")}</h2>
        <p class="soft">${say("passkeys.means")}</p>
        ${this.problem ? html`<p class="notice bad" role="alert">${icon("alert")}<span>${this.problem}</span></p>` : nothing}
        ${whenHere(this.#passkeys, (found) => this.#renderFound(found))}
      </section>
      ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  #renderFound(found: Passkeys): TemplateResult {
    const reason = !found.can_make ? "passkeys.no_address" : hasPasskeys() ? null : "passkeys.no_browser";
    return html`${found.passkeys.length === 0 ? nothing : html`<ul class="rows">${found.passkeys.map((one) => this.#renderOne(one))}</ul>`}
      ${reason === null
        ? html`<div class="actions"><button class="primary" @click=${this.#askName}>${say("passkeys.make")}</button></div>`
        : html`<p class="notice">${say(reason)}</p>`}`;
  }

  #renderOne(one: Passkey): TemplateResult {
    const used = one.used_at === null ? say("passkeys.never") : say("passkeys.used", { when: when(one.used_at) });
    return html`<li>
      <div class="row-head">
        <b>${one.name}</b>
        <button class="small" @click=${() => this.#remove(one)}>${say("passkeys.remove")}</button>
      </div>
      <p class="soft">${say("passkeys.made", { when: when(one.made_at) })} · ${used}</p>
    </li>`;
  }

  readonly #askName = (): void => {
    this.question = {
      name: "make_passkey",
      title: say("passkeys.make"),
      lead: say("passkeys.make_means"),
      label: say("passkeys.name"),
      go: say("passkeys.go"),
      act: async (name) => {
        const options = await this.api.beginPasskey();
        const credential = await makePasskey(options).catch(() => {
          throw new Error(say("passkeys.declined"));
        });
        await this.api.keepPasskey(name, credential);
        await this.#passkeys.refresh();
      },
    };
  };

  async #remove(one: Passkey): Promise<void> {
    this.problem = "";
    try {
      await this.api.removePasskey(one.id);
      await this.#passkeys.refresh();
    } catch (problem) {
      this.problem = explain(problem);
    }
  }
}

/** Passkeys live in real time, also where the community's clock is simulated. */
const when = (unix: number): string => moment(unix, Date.now() / 1000, currentLanguage());

declare global {
  interface HTMLElementTagNameMap {
    "es-passkeys": EsPasskeys;
  }
}
