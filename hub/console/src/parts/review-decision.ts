// The dialog in which an admin decides a review: what will happen, what it needs to know, the note, and what went wrong.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Review, ReviewAction } from "../api.js";
import { say, sayCode, TranslatedElement, type Word } from "../language.js";
import { dialogStyles } from "../style/dialog.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderDialogEnd } from "./dialog-end.js";
import type { DialogName } from "./dialogs.js";
import { explain } from "./pending.js";

/** What is decided in a dialog: asking M-Pesa again decides nothing. */
export type Decision = Exclude<ReviewAction, "ask_again">;

/** What each action needs besides the note. */
const NEEDS: Record<Decision, readonly ("receipt" | "kes" | "household")[]> = {
  try_again: [],
  send_again: [],
  pay_again: [],
  give_back: [],
  credit: ["receipt", "kes"],
  close_unpaid: [],
  paid: ["receipt"],
  not_paid: [],
  assign: ["household"],
  reversed: ["receipt"],
  not_reversed: [],
  let_in: [],
  turn_away: [],
  resume_payouts: [],
  book: [],
};

@customElement("es-review-decision")
export class EsReviewDecision extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    dialogStyles,
    css`
      .subject {
        color: var(--ink-soft);
        overflow-wrap: anywhere;
        font-size: 14px;
      }
      .what {
        margin: 12px 0 0;
      }
      [name="receipt"] {
        font-family: var(--mono);
        text-transform: uppercase;
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) review!: Review;
  /** Null: the note only. */
  @property({ attribute: false }) action: Decision | null = null;
  @state() private problem = "";
  @state() private isBusy = false;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
    this.renderRoot.querySelector<HTMLElement>("input, textarea")?.focus();
  }

  protected override render(): TemplateResult {
    const needs = this.action === null ? [] : NEEDS[this.action];
    const name = this.action ?? "note";
    const dialog: DialogName = `review.${name}`;
    return html`<dialog data-dialog=${dialog} aria-labelledby="title" @close=${this.#closed}>
      <h2 id="title">${say(`action.${name}`)}</h2>
      <p class="subject">${sayCode("review", this.review.kind)} · ${this.review.subject}</p>
      <p class="what">${say(`action_does.${name}`)} ${this.review.kind === "complaint" ? say("reviews.answers") : nothing}</p>
      <form @submit=${this.#decide}>
        ${needs.includes("receipt")
          ? html`<div>
              <label for="receipt">${say("reviews.receipt")}</label>
              <input id="receipt" name="receipt" required maxlength="20" pattern="[A-Za-z0-9]{8,20}" autocomplete="off" autocapitalize="characters" spellcheck="false" />
            </div>`
          : nothing}
        ${needs.includes("kes")
          ? html`<div>
              <label for="kes">${say("reviews.kes")}</label>
              <input id="kes" name="kes" type="number" inputmode="numeric" required min="1" max="250000" step="1" .value=${this.#asked()} />
            </div>`
          : nothing}
        ${needs.includes("household")
          ? html`<div>
              <label for="household">${say("reviews.household")}</label>
              <input id="household" name="household" required maxlength="40" pattern="h-[0-9]+" autocomplete="off" autocapitalize="none" spellcheck="false" />
            </div>`
          : nothing}
        <div>
          <label for="note">${say("reviews.note")}</label>
          <textarea id="note" name="note" rows="3" required maxlength="2000"></textarea>
        </div>
        ${renderDialogEnd(this.problem, this.isBusy, say(`action_go.${name}` as Word), this.#cancel)}
      </form>
    </dialog>`;
  }

  /** The amount that was asked for, as the evidence has it: the likely one. */
  #asked(): string {
    const kes = this.review.evidence.kes;
    return typeof kes === "number" ? String(kes) : "";
  }

  readonly #cancel = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };

  readonly #closed = (): void => {
    this.dispatchEvent(new CustomEvent("closed"));
  };

  readonly #decide = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.isBusy) return;
    const fields = new FormData(event.target as HTMLFormElement);
    const text = (name: string): string => {
      const value = fields.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    if (text("note") === "") {
      this.problem = say("reviews.note_needed");
      return;
    }
    this.isBusy = true;
    this.problem = "";
    try {
      await this.api.resolveReview(this.review.id, {
        note: text("note"),
        ...(this.action === null ? {} : { action: this.action }),
        ...(fields.has("receipt") ? { receipt: text("receipt").toUpperCase() } : {}),
        ...(fields.has("kes") ? { kes: Number(text("kes")) } : {}),
        ...(fields.has("household") ? { household: text("household") } : {}),
      });
      this.dispatchEvent(new CustomEvent("decided"));
      this.renderRoot.querySelector("dialog")?.close();
    } catch (problem) {
      this.problem = explain(problem);
    } finally {
      this.isBusy = false;
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-review-decision": EsReviewDecision;
  }
}
