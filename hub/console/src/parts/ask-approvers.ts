// The dialog in which an admin asks the approvers to give their office to others: whose keys, how many of them decide, and why.
import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { say, TranslatedElement } from "../language.js";
import type { Proposals } from "../office-api.js";
import { dialogStyles } from "../style/dialog.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderDialogEnd } from "./dialog-end.js";
import { explain } from "./pending.js";

const MOST_APPROVERS = 11;
const KEY = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;

/** Keys as somebody wrote them: one a line, or with commas or spaces between. */
export const keysIn = (text: string): string[] => text.split(/[\s,;]+/).filter((key) => key !== "");

@customElement("es-ask-approvers")
export class EsAskApprovers extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    dialogStyles,
    css`
      [name="keys"] {
        font-family: var(--mono);
        word-break: break-all;
      }
      [name="needed"] {
        width: 10ch;
      }
      small {
        display: block;
        margin-top: 6px;
        font-size: 13px;
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  /** Who decides now: it begins with them. */
  @property({ attribute: false }) found!: Proposals;
  @state() private problem = "";
  @state() private isBusy = false;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
  }

  protected override render(): TemplateResult {
    const { approvers, needed } = this.found;
    return html`<dialog data-dialog="approvers" class="wide" aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title">${say("holders.ask_approvers")}</h2>
      <p class="lead">${say("holders.ask_approvers_means", { needed, of: approvers.length })}</p>
      <form @submit=${this.#ask}>
        <div>
          <label for="keys">${say("holders.keys")}</label>
          <textarea id="keys" name="keys" rows="6" required aria-describedby="keys-mean" autocomplete="off" autocapitalize="none" spellcheck="false">${approvers.join("\n")}</textarea>
          <small id="keys-mean">${say("holders.keys_mean", { most: MOST_APPROVERS })}</small>
        </div>
        <div>
          <label for="needed">${say("holders.needed")}</label>
          <input id="needed" name="needed" type="number" inputmode="numeric" required min="1" max=${MOST_APPROVERS} step="1" value=${needed} />
        </div>
        <div>
          <label for="reason">${say("app.reason")}</label>
          <textarea id="reason" name="reason" rows="2" required maxlength="500"></textarea>
        </div>
        ${renderDialogEnd(this.problem, this.isBusy, say("details.ask_approvers"), this.#close)}
      </form>
    </dialog>`;
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };

  readonly #ask = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.target as HTMLFormElement);
    const approvers = keysIn(fields.get("keys") as string);
    const needed = Number(fields.get("needed"));
    this.problem = this.#problemOf(approvers, needed);
    if (this.problem !== "" || this.isBusy) return;
    this.isBusy = true;
    try {
      await this.api.propose({ kind: "approvers", approvers, needed, reason: (fields.get("reason") as string).trim() });
      this.dispatchEvent(new CustomEvent("asked"));
      this.#close();
    } catch (problem) {
      this.problem = explain(problem);
    } finally {
      this.isBusy = false;
    }
  };

  #problemOf(keys: string[], needed: number): string {
    const wrong = keys.find((key) => !KEY.test(key));
    if (wrong !== undefined) return say("holders.no_key", { key: wrong });
    if (keys.length > MOST_APPROVERS || new Set(keys).size < keys.length) return say("holders.keys_mean", { most: MOST_APPROVERS });
    return needed > keys.length ? say("holders.too_many_needed", { needed, of: keys.length }) : "";
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-ask-approvers": EsAskApprovers;
  }
}
