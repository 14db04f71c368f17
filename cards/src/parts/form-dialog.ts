// The dialog in which a household sells, buys, tops up or is paid out: few fields, what it comes to, and what went wrong.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Say } from "../language.js";
import { cardStyles } from "../style.js";
import { messageOf } from "../texts.js";

export interface Field {
  name: string;
  label: string;
  /** What is filled in at first. */
  value?: number | null;
  unit: string;
  step: number;
  min: number;
  max?: number;
  isOptional?: boolean;
  hint?: string;
}

export interface Form {
  title: string;
  lead: string;
  /** What the button that does it says; none while there is nothing that could be done. */
  go?: string;
  fields: readonly Field[];
  /** Says what the fields come to, or nothing. */
  sum?: (values: Record<string, number>) => string;
  /** Does it, and returns what to say afterwards; fails with a message for people. */
  act: (values: Record<string, number>) => Promise<string>;
}

@customElement("energy-swap-form-dialog")
export class EnergySwapFormDialog extends LitElement {
  static override styles = [
    cardStyles,
    css`
      dialog {
        width: min(420px, calc(100vw - 24px));
        border: 0;
        border-radius: 20px;
        padding: 20px;
        background: var(--card-background-color, #fff);
        color: var(--primary-text-color);
        box-shadow: 0 16px 60px rgb(0 0 0 / 30%);
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 45%);
      }
      h2 {
        font-size: 20px;
      }
      form {
        display: grid;
        gap: 14px;
        margin-top: 14px;
      }
      label {
        display: block;
        font-size: 14px;
        font-weight: 500;
        margin-bottom: 6px;
      }
      .field {
        display: flex;
        align-items: center;
        gap: 10px;
      }
      input {
        font: inherit;
        font-size: 18px;
        font-variant-numeric: tabular-nums;
        width: 100%;
        min-height: 48px;
        padding: 0 12px;
        border-radius: 12px;
        border: 1px solid var(--line);
        background: var(--secondary-background-color, #f5f5f5);
        color: inherit;
      }
      .unit {
        flex: none;
        color: var(--soft);
      }
      .hint {
        margin-top: 6px; /* clear of the ring around a field in focus */
      }
      .sum {
        font-size: 18px;
        font-weight: 600;
      }
      .done {
        display: grid;
        gap: 16px;
        margin-top: 14px;
      }
    `,
  ];

  @property({ attribute: false }) form!: Form;
  @property({ attribute: false }) say!: Say;
  @state() private values: Record<string, number> = {};
  @state() private problem = "";
  @state() private done = "";
  @state() private isBusy = false;

  protected override willUpdate(): void {
    if (this.hasUpdated) return;
    for (const field of this.form.fields) if (typeof field.value === "number") this.values[field.name] = field.value;
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
    this.renderRoot.querySelector("input")?.select();
  }

  protected override updated(changed: PropertyValues): void {
    // The button that had the focus is gone with the form.
    if (changed.has("done") && this.done) this.renderRoot.querySelector<HTMLElement>(".done button")?.focus();
  }

  protected override render(): TemplateResult {
    return html`<dialog aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title">${this.form.title}</h2>
      ${this.done
        ? html`<div class="done"><p role="status">${this.done}</p><button class="primary" @click=${this.#close}>${this.say("close")}</button></div>`
        : this.#renderForm()}
    </dialog>`;
  }

  #renderForm(): TemplateResult {
    const { lead, fields, go, sum } = this.form;
    return html`<p class="soft">${lead}</p>
      <form novalidate @submit=${this.#act}>
        ${fields.map((field) => this.#renderField(field))}
        ${sum ? html`<p class="sum number" aria-live="polite">${sum(this.values)}</p>` : nothing}
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        <div class="actions">
          ${go === undefined ? nothing : html`<button class="primary" type="submit" ?disabled=${this.isBusy}>${this.isBusy ? this.say("busy") : go}</button>`}
          <button type="button" @click=${this.#close}>${this.say(go === undefined ? "close" : "cancel")}</button>
        </div>
      </form>`;
  }

  #renderField(field: Field): TemplateResult {
    return html`<div>
      <label for=${field.name}>${field.label}</label>
      <div class="field">
        <input
          id=${field.name}
          type="number"
          inputmode="decimal"
          step=${field.step}
          min=${field.min}
          max=${field.max ?? nothing}
          ?required=${!field.isOptional}
          aria-describedby=${field.hint ? `${field.name}-unit ${field.name}-hint` : `${field.name}-unit`}
          .value=${typeof field.value === "number" ? String(field.value) : ""}
          @input=${(event: InputEvent) => {
            const { valueAsNumber } = event.target as HTMLInputElement;
            const others = Object.entries(this.values).filter(([name]) => name !== field.name);
            this.values = Object.fromEntries(Number.isNaN(valueAsNumber) ? others : [...others, [field.name, valueAsNumber]]);
          }}
        />
        <span class="unit" id="${field.name}-unit">${field.unit}</span>
      </div>
      ${field.hint ? html`<p class="soft hint" id="${field.name}-hint">${field.hint}</p>` : nothing}
    </div>`;
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };

  readonly #act = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.isBusy) return;
    const lacking = this.form.fields.find((field) => !field.isOptional && this.values[field.name] === undefined);
    if (lacking) {
      this.problem = this.say("fill_in", { field: lacking.label });
      return;
    }
    this.isBusy = true;
    this.problem = "";
    try {
      this.done = await this.form.act(this.values);
    } catch (problem) {
      this.problem = messageOf(problem);
    } finally {
      this.isBusy = false;
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "energy-swap-form-dialog": EnergySwapFormDialog;
  }
}
