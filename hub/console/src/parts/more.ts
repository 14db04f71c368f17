// The button below a list that is all here and too long to draw at once.
import { html, nothing, type TemplateResult } from "lit";
import { say } from "../language.js";

/** The button, while there is more. */
export function renderMore(isMore: boolean, show: () => void): TemplateResult | typeof nothing {
  return isMore ? html`<p class="more"><button @click=${show}>${say("app.more")}</button></p>` : nothing;
}
