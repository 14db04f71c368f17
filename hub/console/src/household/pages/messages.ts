// What this phone is told at once: turned on by a press, by topic, and off again.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { ability, TOPICS, turnOff, turnOn, type PushState, type Topic } from "../push.js";
import { Reading } from "../reading.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-messages")
export class EsMessages extends Page {
  /** What this page did last, until it is read again. */
  @state() private newest: PushState | null = null;

  readonly #read = new Reading<PushState>(this, () => "/push", 60);

  protected override render(): TemplateResult | typeof nothing {
    const found = this.newest ?? this.#read.value;
    if (!found) return nothing;
    const able = ability();
    return html`<section class="card" data-test="messages">
      <h2>${say("push.title")}</h2>
      <p class="lead">${say("push.lead")}</p>
      ${able === "can" ? (found.endpoint === null ? this.#renderOff() : this.#renderOn(found)) : html`<p class="tell warn">${say(`push.${able}`)}</p>`}
      ${this.renderTold("push")}
    </section>`;
  }

  #renderOff(): TemplateResult {
    return html`<button class="primary block" ?disabled=${this.isBusy} @click=${() => this.#choose(TOPICS)}>${say("push.on")}</button>`;
  }

  #renderOn(found: PushState): TemplateResult {
    return html`${TOPICS.map((topic) => {
        const isChosen = found.topics.includes(topic);
        return html`<label class="choice">
          <input type="checkbox" .checked=${isChosen} ?disabled=${this.isBusy || (isChosen && found.topics.length === 1)} @change=${() => this.#turn(found, topic)} />
          <span>${say(`push.${topic}`)}<small>${say(`push.${topic}_help`)}</small></span>
        </label>`;
      })}
      <button class="block" ?disabled=${this.isBusy} @click=${this.#off}>${say("push.off")}</button>`;
  }

  #turn(found: PushState, topic: Topic): Promise<void> {
    return this.#choose(TOPICS.filter((one) => (one === topic) !== found.topics.includes(one)));
  }

  async #choose(topics: readonly Topic[]): Promise<void> {
    await this.act("push", async () => {
      const found = await turnOn(this.hub, topics).catch((problem: unknown) => {
        // What a browser says of its push service is for programmers.
        if (problem instanceof DOMException) throw new Error(say("push.no_service"));
        throw problem;
      });
      if (found === "denied") throw new Error(say("push.denied"));
      this.newest = found;
      return "";
    });
  }

  readonly #off = async (): Promise<void> => {
    await this.act("push", async () => {
      this.newest = await turnOff(this.hub);
      return say("push.is_off");
    });
  };
}
