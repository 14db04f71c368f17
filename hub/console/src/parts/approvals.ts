// What the approvers are asked: who is to be admitted, suspended, let in again or given a new device, and how far it is.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi, Overview } from "../api.js";
import { moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import type { HubKey, NewDevice, Proposal, Proposals } from "../office-api.js";
import { officeStyles } from "../pages/office.styles.js";
import { Remote } from "../remote.js";
import { writeRoute } from "../route.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import type { DialogName } from "./dialogs.js";
import { householdName } from "./household-name.js";
import { icon } from "./icons.js";
import { whenHere } from "./pending.js";
import { renderKeys } from "./key-holders.js";
import "./key-text.js";

const LOOKS: Record<string, string> = { done: "good", failed: "bad", withdrawn: "", outdated: "", open: "warn", waiting: "warn", complete: "warn" };

@customElement("es-approvals")
export class EsApprovals extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, officeStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;
  @property({ type: Boolean }) canChange = false;
  @state() private question: Question | null = null;

  readonly #proposals = new Remote<Proposals>(this, () => this.api.proposals(), 8);

  protected override render(): TemplateResult {
    return html`${whenHere(this.#proposals, (found) => this.#renderAll(found))}
    ${renderAsk(this.question, () => { this.question = null; })}`;
  }

  #renderAll(found: Proposals): TemplateResult {
    const open = found.proposals.filter((one) => one.is_under_way);
    const ended = found.proposals.filter((one) => !one.is_under_way);
    return html`<div class="stack">
      ${found.is_paused ? html`<p class="notice bad">${icon("alert")}<span>${say("approvals.paused")}</span></p>` : nothing}
      ${found.hub.next === null ? nothing : this.#renderHub(found.hub, found.hub.next, open.some((one) => one.kind === "hub"))}
      ${found.devices.map((device) => this.#renderDevice(device))}
      <section class="card">
        <div class="card-head"><h2>${say("approvals.open")}</h2><span class="soft">${say("approvals.needed", { needed: found.needed, of: found.approvers.length })}</span></div>
        ${open.length === 0 ? html`<p class="empty">${say("approvals.none")}</p>` : html`<ul class="rows">${open.map((one) => this.#renderProposal(one))}</ul>`}
        ${this.canChange && found.hub.can_pause ? this.#renderPause(found.is_paused) : nothing}
      </section>
      <es-key-holders .api=${this.api} .found=${found} .canChange=${this.canChange} @asked=${() => this.#proposals.refresh()}></es-key-holders>
      ${ended.length === 0
        ? nothing
        : html`<section class="card">
            <h2>${say("approvals.ended")}</h2>
            <ul class="rows">${ended.map((one) => this.#renderProposal(one))}</ul>
          </section>`}
    </div>`;
  }

  #renderProposal(one: Proposal): TemplateResult {
    const who = one.household === null ? nothing : html` <span class="soft">· ${one.name ?? one.household}</span>`;
    return html`<li>
      <div class="row-head">
        <b>${sayCode("proposal", one.kind)}${who}</b>
        <span class="pill ${LOOKS[one.state] ?? ""}">${sayCode("proposal_state", one.state)}</span>
      </div>
      ${one.reason ? html`<p>${one.reason}</p>` : nothing} ${this.#renderKeys(one)} ${one.is_under_way && one.missing ? this.#renderEvidence(one.household, one.missing) : nothing}
      <p class="soft">
        ${say("approvals.signed", { count: one.signatures.length, needed: one.needed })} ·
        ${say("approvals.asked", { who: one.asked_by, when: moment(one.asked_at, this.#now(), currentLanguage()) })}
      </p>
      ${this.canChange && one.state === "open" && one.kind !== "admit"
        ? html`<button class="small" @click=${() => {
            this.#askWithdraw(one);
          }}>${say("approvals.withdraw")}</button>`
        : nothing}
    </li>`;
  }

  /** The keys that a change of keys is about: approvers hear them read aloud. */
  #renderKeys({ kind, wish }: Proposal): TemplateResult | typeof nothing {
    if (kind === "hub") return renderKeys([wish.hub ?? ""]);
    if (wish.approvers !== undefined) {
      return html`<p>${say("holders.wished", { needed: wish.needed ?? 0, of: wish.approvers.length })}</p>
        ${renderKeys(wish.approvers)}`;
    }
    return wish.verifiers !== undefined ? renderKeys(wish.verifiers) : nothing;
  }

  /** How complete an applicant's file is; its page has the evidence itself. */
  #renderEvidence(household: string | null, missing: string[]): TemplateResult | typeof nothing {
    if (household === null) return nothing;
    const words = missing.length === 0 ? say("approvals.file_whole") : say("approvals.file_lacks", { parts: missing.map((part) => sayCode("part", part)).join(", ") });
    return html`<p class=${missing.length === 0 ? "" : "soft"}>${words} <a href=${writeRoute("households", household)}>${say("approvals.open_file")}</a></p>`;
  }

  #renderDevice(device: NewDevice): TemplateResult {
    return html`<article class="card waiting-meter">
      <div class="card-head">
        <h2>${say("approvals.device", { name: householdName(this.overview, device.household) })}</h2>
        <span class="soft number">${moment(device.since, this.#now(), currentLanguage())}</span>
      </div>
      <p>${say("approvals.device_means")}</p>
      <p><es-key .text=${device.key}></es-key></p>
      ${this.canChange
        ? html`<button class="primary" @click=${() => {
            this.#askRecover(device);
          }}>${say("approvals.recover")}</button>`
        : nothing}
    </article>`;
  }

  #renderHub(hub: HubKey, next: string, isAsked: boolean): TemplateResult {
    return html`<article class="card waiting-meter">
      <div class="card-head">
        <h2>${say(hub.is_lost ? "approvals.hub_lost" : "approvals.hub_next")}</h2>
        ${isAsked ? html`<span class="pill warn">${say("approvals.hub_asked")}</span>` : nothing}
      </div>
      <p>${say(hub.is_lost ? "approvals.hub_lost_means" : "approvals.hub_next_means")}</p>
      <p><es-key .text=${next} whole></es-key></p>
      ${this.canChange && !isAsked
        ? html`<button class="primary" @click=${() => {
            this.#askHub();
          }}>${say("approvals.hub_ask")}</button>`
        : nothing}
    </article>`;
  }

  #renderPause(isPaused: boolean): TemplateResult {
    return html`<div class="actions">
      <button @click=${() => {
        this.#askPause(isPaused);
      }}>${say(isPaused ? "approvals.resume" : "approvals.pause")}</button>
    </div>`;
  }

  #askWithdraw(one: Proposal): void {
    this.#ask("withdraw_proposal", say("approvals.withdraw"), say("approvals.withdraw_means"), (reason) => this.api.withdrawProposal(one.proposal, reason));
  }

  #askRecover(device: NewDevice): void {
    const wish = { kind: "recover", household: device.household, key: device.key } as const;
    this.#ask("recover", say("approvals.recover"), say("approvals.recover_means"), (reason) => this.api.propose({ ...wish, reason }));
  }

  #askHub(): void {
    this.#ask("hub", say("approvals.hub_ask"), say("approvals.hub_ask_means"), (reason) => this.api.propose({ kind: "hub", reason }));
  }

  #askPause(isPaused: boolean): void {
    const lead = say(isPaused ? "approvals.resume_means" : "approvals.pause_means");
    this.#ask(isPaused ? "resume" : "pause", say(isPaused ? "approvals.resume" : "approvals.pause"), lead, (reason) => this.api.pauseChain(!isPaused, reason));
  }

  #ask(name: DialogName, title: string, lead: string, act: (reason: string) => Promise<unknown>): void {
    this.question = {
      name,
      title,
      lead,
      label: say("app.reason"),
      go: title,
      act: async (reason) => {
        await act(reason);
        await this.#proposals.refresh();
      },
    };
  }

  #now(): number {
    return this.overview?.now ?? 0;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-approvals": EsApprovals;
  }
}
