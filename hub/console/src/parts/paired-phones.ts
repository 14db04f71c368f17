// The phones that a household has paired: since when, used when, and for an admin the way to take one away.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, TranslatedElement } from "../language.js";
import { Remote } from "../remote.js";
import type { PairedPhone } from "../settings-api.js";
import { fileStyles } from "../style/file.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import { whenHere } from "./pending.js";

@customElement("es-paired-phones")
export class EsPairedPhones extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    fileStyles,
    css`
      .gone {
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property() household = "";
  @property() name = "";
  @property({ type: Boolean }) canChange = false;
  @state() private question: Question | null = null;

  readonly #phones = new Remote<PairedPhone[]>(this, () => this.api.phonesOf(this.household), 30);

  protected override render(): TemplateResult {
    return html`<h2>${say("paired.title")}</h2>
      ${whenHere(this.#phones, (phones) => this.#renderPhones(phones))}
      ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  #renderPhones(phones: PairedPhone[]): TemplateResult {
    if (phones.length === 0) return html`<p class="soft">${say("paired.none")}</p>`;
    return html`<ul>
      ${phones.map((phone) => this.#renderPhone(phone))}
    </ul>`;
  }

  #renderPhone(phone: PairedPhone): TemplateResult {
    const times = say("paired.times", { paired: when(phone.paired_at), used: when(phone.used_at) });
    return html`<li class=${phone.revoked_at === null ? "" : "gone"}>
      <span
        ><span
          >${phone.name}
          <small>${times}</small>
          ${phone.revoked_at === null ? nothing : html`<small>${say("paired.revoked", { who: phone.revoked_by ?? "", when: when(phone.revoked_at) })}</small>`}</span
        ></span
      >
      ${phone.revoked_at === null && this.canChange
        ? html`<button class="small" aria-label="${say("paired.revoke")}: ${phone.name}" @click=${() => { this.#askRevoke(phone); }}>${say("paired.revoke")}</button>`
        : nothing}
    </li>`;
  }

  #askRevoke(phone: PairedPhone): void {
    this.question = {
      name: "take_phone",
      title: say("paired.revoke_title", { phone: phone.name, name: this.name }),
      lead: say("paired.revoke_means"),
      label: say("app.reason"),
      go: say("paired.revoke"),
      act: async (reason) => {
        await this.api.revokePhone(phone.id, reason);
        await this.#phones.refresh();
      },
    };
  }
}

/** Phones are paired in real time, also where the community's clock is simulated. */
const when = (unix: number): string => moment(unix, Date.now() / 1000, currentLanguage());

declare global {
  interface HTMLElementTagNameMap {
    "es-paired-phones": EsPairedPhones;
  }
}
