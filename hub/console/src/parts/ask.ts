// A dialog that asks for one text before something is done, and shows what went wrong.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { TranslatedElement } from "../language.js";
import { dialogStyles } from "../style/dialog.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderDialogEnd } from "./dialog-end.js";
import type { DialogName } from "./dialogs.js";
import { explain } from "./pending.js";

/** What to ask, in the reader's language, and what to do with the answer; a promise that fails leaves the dialog open. */
export interface Question {
  name: DialogName;
  title: string;
  lead: string;
  label: string;
  go: string;
  isCode?: boolean;
  act: (text: string) => Promise<unknown>;
}

/** The dialog while there is a question; `close` forgets it. */
export function renderAsk(question: Question | null, close: () => void): TemplateResult | typeof nothing {
  return question === null ? nothing : html`<es-ask .question=${question} @closed=${close}></es-ask>`;
}

@customElement("es-ask")
export class EsAsk extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    dialogStyles,
    css`
      .code {
        width: 10ch;
        font: 600 22px/1.4 var(--mono);
        letter-spacing: 0.1em;
      }
    `,
  ];

  @property({ attribute: false }) question!: Question;
  @state() private problem = "";
  @state() private isBusy = false;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
    this.renderRoot.querySelector<HTMLElement>("input, textarea")?.focus();
  }

  protected override render(): TemplateResult {
    const { name, title, lead, label, go, isCode } = this.question;
    return html`<dialog data-dialog=${name} aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title">${title}</h2>
      <p class="lead">${lead}</p>
      <form @submit=${this.#act}>
        <div>
          <label for="text">${label}</label>
          ${isCode
            ? html`<input id="text" name="text" class="code" required inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="one-time-code" />`
            : html`<textarea id="text" name="text" rows="3" required maxlength="2000"></textarea>`}
        </div>
        ${renderDialogEnd(this.problem, this.isBusy, go, this.#close)}
      </form>
    </dialog>`;
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };

  readonly #act = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.isBusy) return;
    const text = new FormData(event.target as HTMLFormElement).get("text");
    if (typeof text !== "string" || text.trim() === "") return;
    this.isBusy = true;
    this.problem = "";
    try {
      await this.question.act(text.trim());
      this.#close();
    } catch (problem) {
      this.problem = explain(problem);
    } finally {
      this.isBusy = false;
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-ask": EsAsk;
  }
}
