// Partners: whom one trades with first, chosen among those who sell, or by the number that a neighbour tells.
import { html, nothing, type TemplateResult } from "lit";
import { customElement } from "lit/decorators.js";
import type { Partners } from "../answers.js";
import { typedHousehold } from "../numbers.js";
import { Reading } from "../reading.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-partners")
export class EsPartners extends Page {
  readonly #page = new Reading<Partners>(this, () => "/partners", 30);

  protected override render(): TemplateResult | typeof nothing {
    const found = this.#page.value;
    if (!found) return nothing;
    const others = found.neighbours.filter((one) => !found.chosen.some((chosen) => chosen.id === one.id));
    return html`<section class="card" data-test="partners">
      <h2>${say("partners.title")}</h2>
      <p class="lead">${say("partners.lead", { own: found.own })}</p>
      ${found.counts ? nothing : html`<p class="tell warn">${say("partners.off")}</p>`}
      ${found.chosen.length === 0 ? html`<p class="empty">${say("partners.none")}</p>` : nothing}
      <ul class="list">
        ${found.chosen.map(
          (one) => html`<li>
            <div class="what"><b>${one.name ?? one.id}</b><span>${one.name === null ? nothing : html`${one.id} · `}${say(one.is_mutual ? "partners.both" : "partners.waits")}</span></div>
            <button class="small" ?disabled=${this.isBusy} @click=${() => this.#choose(found.chosen.map((chosen) => chosen.id).filter((id) => id !== one.id))}>${say("partners.remove")}</button>
          </li>`,
        )}
      </ul>
      ${this.renderTold("partners")}
      ${others.length === 0
        ? nothing
        : html`<details>
            <summary>${say("partners.sellers")} (${others.length})</summary>
            <ul class="list">
              ${others.map(
                (one) => html`<li>
                  <div class="what"><b>${one.name}</b><span>${one.id}</span></div>
                  <button class="small" ?disabled=${this.isBusy} @click=${() => this.#add(found, one.id)}>${say("partners.add")}</button>
                </li>`,
              )}
            </ul>
          </details>`}
      <form @submit=${(event: Event) => this.#typed(event, found)}>
        <div class="field">
          <label for="number">${say("partners.number")}</label>
          <div class="row">
            <input id="number" autocomplete="off" autocapitalize="off" placeholder="h-007" />
            <button class="small" ?disabled=${this.isBusy}>${say("partners.add")}</button>
          </div>
          <p class="help">${say("partners.number_help")}</p>
        </div>
      </form>
    </section>`;
  }

  async #typed(event: Event, found: Partners): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const id = typedHousehold(this.field("number"));
    if (id === null || id === found.own) this.tell("partners", say("partners.bad"));
    else if (await this.#add(found, id)) form.reset();
  }

  #add(found: Partners, id: string): Promise<boolean> {
    return this.#choose([...new Set([...found.chosen.map((one) => one.id), id])]);
  }

  async #choose(partners: string[]): Promise<boolean> {
    const isChosen = await this.act("partners", async () => {
      await this.hub.wish("choose_partners", { partners });
      return "";
    });
    await this.#page.refresh();
    return isChosen;
  }
}
