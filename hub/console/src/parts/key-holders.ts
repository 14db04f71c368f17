// Who holds the community's keys: its approvers and verifiers, and an admin's way to ask for others.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { say, TranslatedElement } from "../language.js";
import type { Proposals } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import "./ask-approvers.js";
import "./key-text.js";

@customElement("es-key-holders")
export class EsKeyHolders extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    officeStyles,
    css`
      :host {
        display: grid;
        gap: var(--gap);
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr));
      }
      ol {
        margin: 10px 0 0;
        padding-left: 24px;
      }
      ol ::marker {
        color: var(--ink-soft);
      }
      p.others {
        margin-top: 12px;
      }
      .actions {
        margin-top: 14px;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) found!: Proposals;
  @property({ type: Boolean }) canChange = false;
  @state() private question: Question | null = null;
  @state() private isAskingApprovers = false;

  protected override render(): TemplateResult {
    const { approvers, needed } = this.found;
    return html`<section class="card">
        <div class="card-head"><h2>${say("holders.approvers")}</h2>${this.#renderAsked("approvers")}</div>
        <p class="soft">${say("holders.approvers_mean", { needed, of: approvers.length })}</p>
        ${renderKeys(approvers)}
        ${this.canChange && !this.#isAsked("approvers")
          ? html`<div class="actions">
              <button
                @click=${() => {
                  this.isAskingApprovers = true;
                }}
              >
                ${say("holders.ask_approvers")}
              </button>
            </div>`
          : nothing}
      </section>
      ${this.#renderVerifiers()}
      ${this.isAskingApprovers
        ? html`<es-ask-approvers
            .api=${this.api}
            .found=${this.found}
            @asked=${this.#tellAsked}
            @closed=${() => {
              this.isAskingApprovers = false;
            }}
          ></es-ask-approvers>`
        : nothing}
      ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  /** Others can be asked for once the hub has them in its configuration: it must reach them. */
  #renderVerifiers(): TemplateResult {
    const { verifiers, configured_verifiers: configured } = this.found;
    const areOthers = configured.some((key) => !verifiers.includes(key));
    return html`<section class="card">
      <div class="card-head"><h2>${say("holders.verifiers")}</h2>${this.#renderAsked("minters")}</div>
      <p class="soft">${say("holders.verifiers_mean")}</p>
      ${renderKeys(verifiers)}
      ${areOthers
        ? html`<p class="others"><b>${say("holders.others_ready")}</b> ${say("holders.read_aloud")}</p>
            ${renderKeys(configured)}`
        : html`<p class="soft others">${say("holders.no_others")}</p>`}
      ${areOthers && this.canChange && !this.#isAsked("minters")
        ? html`<div class="actions"><button class="primary" @click=${this.#askVerifiers}>${say("holders.ask_verifiers")}</button></div>`
        : nothing}
    </section>`;
  }

  #renderAsked(kind: string): TemplateResult | typeof nothing {
    return this.#isAsked(kind) ? html`<span class="pill warn">${say("approvals.hub_asked")}</span>` : nothing;
  }

  #isAsked(kind: string): boolean {
    return this.found.proposals.some((one) => one.is_under_way && one.kind === kind);
  }

  readonly #askVerifiers = (): void => {
    this.question = {
      name: "minters",
      title: say("holders.ask_verifiers"),
      lead: say("holders.ask_verifiers_means"),
      label: say("app.reason"),
      go: say("details.ask_approvers"),
      act: async (reason) => {
        await this.api.propose({ kind: "minters", reason });
        this.#tellAsked();
      },
    };
  };

  readonly #tellAsked = (): void => {
    this.dispatchEvent(new CustomEvent("asked"));
  };
}

/** Keys in their order, each to copy. */
export function renderKeys(keys: string[]): TemplateResult {
  return html`<ol>
    ${keys.map((key) => html`<li><es-key .text=${key}></es-key></li>`)}
  </ol>`;
}

declare global {
  interface HTMLElementTagNameMap {
    "es-key-holders": EsKeyHolders;
  }
}
