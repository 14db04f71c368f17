// A long key or signature: shortened to read, whole to copy.
import { css, html, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { shortKey } from "../format.js";
import { say, TranslatedElement } from "../language.js";
import { baseStyles } from "../style/shared.js";
import { icon } from "./icons.js";

@customElement("es-key")
export class EsKey extends TranslatedElement {
  static override styles = [
    baseStyles,
    css`
      :host {
        display: inline-flex;
        vertical-align: middle;
      }
      button {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        min-height: 34px;
        padding: 0 8px;
        margin: 0 -8px;
        border: 0;
        border-radius: 8px;
        background: none;
        color: inherit;
        font: inherit;
        cursor: pointer;
      }
      button:hover {
        background: var(--sunk);
      }
      svg {
        color: var(--ink-faint);
      }
      @media (pointer: coarse), (max-width: 640px) {
        button {
          min-height: var(--touch);
        }
      }
    `,
  ];

  @property() text = "";
  /** Show all of it instead of both ends. */
  @property({ type: Boolean }) whole = false;
  @state() private isCopied = false;

  protected override render(): TemplateResult {
    const shown = this.whole ? this.text : shortKey(this.text);
    return html`<button type="button" @click=${this.#copy} title=${this.text} aria-label="${say("key.copy")} ${shown}">
        <span class="mono">${shown}</span>${icon(this.isCopied ? "check" : "copy", 15)}</button
      ><span class="hidden-text" role="status">${this.isCopied ? say("key.copied") : ""}</span>`;
  }

  async #copy(event: Event): Promise<void> {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(this.text);
    } catch {
      // Clipboard access needs a secure origin and permission; the title still shows the whole text.
      return;
    }
    this.isCopied = true;
    window.setTimeout(() => {
      this.isCopied = false;
    }, 1500);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-key": EsKey;
  }
}
