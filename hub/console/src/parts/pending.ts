// What a page shows while an answer is on its way, and when it failed.
import { html, nothing, type TemplateResult } from "lit";
import { HubProblem } from "../api.js";
import { say, type Word } from "../language.js";
import type { LongList } from "../long-list.js";
import type { Remote } from "../remote.js";

/** What went wrong, in words for people. */
export function explain(problem: unknown): string {
  if (problem instanceof HubProblem && problem.status === 0) return say("app.unreachable");
  return problem instanceof Error ? problem.message : String(problem);
}

/** The value once it is here; an old value stays on screen when a later request fails, with the problem above it. */
export function whenHere<T>(remote: Remote<T>, show: (value: T) => TemplateResult): TemplateResult {
  const warning = remote.problem ? html`<p class="pill bad" role="alert">${explain(remote.problem)}</p>` : nothing;
  if (remote.value === undefined) return html`<div class="empty">${remote.problem ? warning : say("app.loading")}</div>`;
  return html`${warning}${show(remote.value)}`;
}

/** A long list in its box: once it is here, or why it is not. */
export function whenListed<T>(list: LongList<T>, show: () => TemplateResult, none: Word = "app.nothing"): TemplateResult {
  const warning = list.problem ? html`<p class="pill bad" role="alert">${explain(list.problem)}</p>` : nothing;
  if (!list.isLoaded) return html`<div class="empty">${list.problem ? warning : say("app.loading")}</div>`;
  return html`${warning}${list.count === 0 ? html`<div class="empty">${say(none)}</div>` : show()}`;
}
