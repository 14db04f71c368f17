// The community: what was shared and saved together, who shares most, and lessons in plain words.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import { energy, kes, percent } from "../../format.js";
import type { Home, Neighbours, Reputation } from "../answers.js";
import { Reading } from "../reading.js";
import { explain, say, sayReputation } from "../say.js";
import { Page } from "./base.js";
import "./partners.js";

const LESSONS = ["price", "limits", "save", "token"] as const;

const kilograms = (grams: number): string => `${(grams / 1000).toFixed(grams < 10_000 ? 1 : 0)} kg`;

@customElement("es-neighbours")
export class EsNeighbours extends Page {
  static override styles = [
    ...Page.styles,
    css`
      .together {
        background: linear-gradient(150deg, var(--make-wash), var(--brand-wash));
      }
      .board .bar {
        height: 8px;
        border-radius: 4px;
        background: var(--make);
        margin-top: 6px;
        min-width: 4px;
      }
      .board .what {
        flex: 1;
      }
      .board li.own b {
        color: var(--brand);
      }
      .place {
        width: 26px;
        flex: none;
        font-weight: 680;
        color: var(--ink-soft);
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  readonly #page = new Reading<Neighbours>(this, () => "/neighbours", 30);
  readonly #home = new Reading<Home>(this, () => "/home", 60);

  protected override render(): TemplateResult {
    const found = this.#page.value;
    if (!found) return html`<p class="empty" role="status">${this.#page.problem ? explain(this.#page.problem) : say("app.loading")}</p>`;
    const most = found.places[0]?.shared_wh ?? 1;
    return html`<h1 class="hidden-text">${say("neighbours.title")}</h1>
      <div class="page two">
        <div class="column">
          <section class="card together">
            <p class="label">${say("neighbours.shared")}</p>
            <p class="big">${energy(found.shared_wh)}</p>
            <div class="figures" style="margin-top:14px">
              <div><span class="label">${say("neighbours.saved")}</span><b>${kes(found.saved_cents)}</b></div>
              <div><span class="label">${say("neighbours.made")}</span><b>${energy(found.generated_wh)}</b></div>
              ${found.co2_grams === null ? nothing : html`<div><span class="label">${say("neighbours.co2")}</span><b>${kilograms(found.co2_grams)}</b></div>`}
              <div><span class="label">${say("neighbours.members")}</span><b>${found.members}</b></div>
            </div>
          </section>
          <section class="card">
            <h2>${say("neighbours.board")}</h2>
            ${found.places.length === 0 ? html`<p class="empty">${say("neighbours.board_empty")}</p>` : nothing}
            <ul class="list board">
              ${found.places.map(
                (place) => html`<li class=${place.is_own ? "own" : ""}>
                  <span class="place">${place.place}</span>
                  <div class="what">
                    <b>${place.name ?? say("neighbours.somebody")}${place.is_own ? ` (${say("neighbours.you")})` : ""}</b>
                    <div class="bar" style="width:${Math.round((place.shared_wh / most) * 100)}%"></div>
                  </div>
                  <div class="much">${energy(place.shared_wh)}</div>
                </li>`,
              )}
            </ul>
            <label class="choice"><input type="checkbox" .checked=${found.is_named} ?disabled=${this.isBusy} @change=${this.#name} />${say("neighbours.named")}</label>
            ${this.renderTold("naming")}
          </section>
        </div>
        <div class="column">
        <es-partners .hub=${this.hub}></es-partners>
        ${this.#renderName(this.#home.value?.state.reputation)}
        <section class="card">
          <h2>${say("neighbours.lessons")}</h2>
          ${LESSONS.map((lesson) => html`<details><summary>${say(`lesson.${lesson}.title`)}</summary><p>${say(`lesson.${lesson}.text`)}</p></details>`)}
        </section>
        </div>
      </div>`;
  }

  #renderName(reputation: Reputation | undefined): TemplateResult | typeof nothing {
    if (reputation === undefined) return nothing;
    return html`<section class="card" data-test="name">
      <h2>${say("name.title")}</h2>
      <p class="middle">${percent(reputation.basis_points)}</p>
      <p>${sayReputation(reputation)}</p>
      <p class="help">${say("name.lead")}</p>
    </section>`;
  }

  readonly #name = async (event: Event): Promise<void> => {
    const isNamed = (event.target as HTMLInputElement).checked;
    await this.act("naming", async () => {
      await this.hub.post("/neighbours/naming", { is_named: isNamed });
      return "";
    });
    await this.#page.refresh();
  };
}
