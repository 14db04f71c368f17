// What the hub could not decide alone: the evidence of each case, and for an admin the way to resolve it.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview, Review, ReviewAction } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { renderEvidence } from "../parts/evidence.js";
import { icon } from "../parts/icons.js";
import { householdName } from "../parts/household-name.js";
import { explain, whenHere } from "../parts/pending.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { reviewStyles } from "./reviews.styles.js";
import type { Decision } from "../parts/review-decision.js";
import "../parts/review-decision.js";

@customElement("es-reviews")
export class EsReviews extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, reviewStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canResolve = false;
  /** The case that the address names. */
  @property() chosen: string | null = null;
  @state() private deciding: { review: Review; action: Decision | null } | null = null;

  @state() private told: { id: number; text: string; isBad: boolean } | null = null;

  readonly #reviews = new Remote<Review[]>(this, () => this.api.reviews(), 10);

  #shown: string | null = null;

  /** Bring the case that the address names into sight, once. */
  protected override updated(): void {
    if (this.chosen === this.#shown || this.#reviews.value === undefined) return;
    this.#shown = this.chosen;
    const article = this.renderRoot.querySelector<HTMLElement>(`[aria-labelledby="review-${Number(this.chosen)}"]`);
    article?.scrollIntoView({ block: "center" });
    article?.focus({ preventScroll: true });
  }

  protected override render(): TemplateResult {
    return html`<div class="page-head">
        <h1>${say("nav.reviews")}</h1>
        <p>${say(this.canResolve ? "reviews.lead" : "reviews.lead_auditor")}</p>
      </div>
      ${whenHere(this.#reviews, (reviews) => this.#renderReviews(reviews))}
      ${this.deciding
        ? html`<es-review-decision
            .api=${this.api}
            .review=${this.deciding.review}
            .action=${this.deciding.action}
            @decided=${() => this.#reviews.refresh()}
            @closed=${() => {
              this.deciding = null;
            }}
          ></es-review-decision>`
        : nothing}`;
  }

  #renderReviews(reviews: Review[]): TemplateResult {
    const open = reviews.filter((review) => review.state === "open");
    const closed = reviews.filter((review) => review.state !== "open");
    return html`<div class="stack">
      ${open.length === 0 ? html`<section class="card none">${icon("check", 30)}<p>${say("reviews.none")}</p></section>` : open.map((review) => this.#renderReview(review))}
      ${closed.length > 0 ? html`<h2 class="before">${say("reviews.resolved")}</h2>` : nothing} ${closed.map((review) => this.#renderReview(review))}
    </div>`;
  }

  #renderReview(review: Review): TemplateResult {
    const isOpen = review.state === "open";
    return html`<article class="card ${review.state}" tabindex="-1" aria-labelledby="review-${review.id}">
      <div class="card-head">
        <h2 id="review-${review.id}">${sayCode("review", review.kind)} <span class="subject">${review.subject}</span></h2>
        <span class="soft number">${moment(review.opened_at, this.overview?.now ?? review.opened_at, currentLanguage())}</span>
      </div>
      ${isOpen ? renderEvidence(review.evidence, (id) => householdName(this.overview, id)) : html`<details><summary>${say("reviews.evidence")}</summary>${renderEvidence(review.evidence, (id) => householdName(this.overview, id))}</details>`}
      ${review.resolution === null ? nothing : html`<p class="resolution">${icon("check", 18)}<span>${review.resolution}</span></p>`}
      ${isOpen && this.canResolve ? this.#renderResolve(review) : nothing}
    </article>`;
  }

  #renderResolve(review: Review): TemplateResult {
    const button = (action: ReviewAction | null): TemplateResult =>
      html`<button
        class=${action === review.actions[0] || review.actions.length === 0 ? "primary" : ""}
        @click=${() => {
          if (action === "ask_again") void this.#askAgain(review);
          else this.deciding = { review, action };
        }}
      >
        ${say(action === null ? (review.actions.length === 0 ? "reviews.resolve" : "action.note") : `action.${action}`)}
      </button>`;
    const told = this.told?.id === review.id ? this.told : null;
    return html`<div class="actions">${review.actions.map(button)}${button(null)}</div>
      ${told === null ? nothing : html`<p class="told ${told.isBad ? "problem" : "soft"}" role=${told.isBad ? "alert" : "status"}>${told.text}</p>`}`;
  }

  /** A question moves nothing and decides nothing, so it is asked without a dialog. */
  async #askAgain(review: Review): Promise<void> {
    try {
      await this.api.askAgain(review.id);
      this.told = { id: review.id, text: say("reviews.asked_again"), isBad: false };
    } catch (problem) {
      this.told = { id: review.id, text: explain(problem), isBad: true };
    }
    await this.#reviews.refresh();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-reviews": EsReviews;
  }
}
