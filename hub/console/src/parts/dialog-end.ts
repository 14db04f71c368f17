// How each dialog with a form ends: what went wrong, the button that does it, and the one that does not.
import { html, nothing, type TemplateResult } from "lit";
import { say } from "../language.js";

/** The end of a dialog's form; `go` is what its button says, in the reader's language. */
export const renderDialogEnd = (problem: string, isBusy: boolean, go: string, cancel: () => void): TemplateResult =>
  html`${problem ? html`<p class="problem" role="alert">${problem}</p>` : nothing}
    <div class="actions">
      <button class="primary" type="submit" ?disabled=${isBusy}>${go}</button>
      <button type="button" @click=${cancel}>${say("app.cancel")}</button>
    </div>`;
