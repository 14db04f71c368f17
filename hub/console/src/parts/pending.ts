// What a page shows while an answer is on its way, when it failed, and the button for the next slice of a list.
import { html, nothing, type TemplateResult } from "lit";
import { HubProblem } from "../api.js";
import { say } from "../language.js";
import type { Remote, RemoteList } from "../remote.js";

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

export function whenListed<T extends { id: number }>(list: RemoteList<T>, show: (items: T[]) => TemplateResult): TemplateResult {
  const warning = list.problem ? html`<p class="pill bad" role="alert">${explain(list.problem)}</p>` : nothing;
  if (list.items === undefined) return html`<div class="empty">${list.problem ? warning : say("app.loading")}</div>`;
  return html`${warning}${list.items.length === 0 ? html`<div class="empty">${say("app.nothing")}</div>` : show(list.items)}
    ${list.hasMore
      ? html`<p style="text-align:center;margin-top:12px">
          <button ?disabled=${list.isLoadingMore} @click=${() => list.loadMore()}>${say(list.isLoadingMore ? "app.loading" : "app.more")}</button>
        </p>`
      : nothing}`;
}
