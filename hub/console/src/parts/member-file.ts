// A member's file beside its figures: the evidence of who it is, its invoices, and its way out of the community.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { exactEnergy, kes, moment } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement } from "../language.js";
import { Remote } from "../remote.js";
import type { ListedInvoice, MemberFile } from "../settings-api.js";
import { fileStyles } from "../style/file.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { renderAsk, type Question } from "./ask.js";
import { icon } from "./icons.js";
import { explain, whenHere } from "./pending.js";
import "./paired-phones.js";

const PARTS = ["phone", "document", "site", "consent"] as const;
type PartName = (typeof PARTS)[number];

@customElement("es-member-file")
export class EsMemberFile extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    fileStyles,
    css`
      form {
        display: grid;
        gap: 12px;
        width: 100%;
        padding: 6px 0 10px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      .problem {
        background: var(--bad-wash);
        color: var(--bad);
        border-radius: 10px;
        padding: 9px 12px;
        margin-top: 8px;
      }
      .consent {
        font-size: 13.5px;
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property() household = "";
  @property() name = "";
  @property({ type: Number }) now = 0;
  @property({ type: Boolean }) canChange = false;
  @state() private open: PartName | null = null;
  @state() private problem = "";
  @state() private told = "";
  @state() private question: Question | null = null;

  readonly #file = new Remote<MemberFile>(this, () => this.api.memberFile(this.household), 15);
  readonly #invoices = new Remote<ListedInvoice[]>(this, () => this.api.invoicesOf(this.household), 60);

  protected override render(): TemplateResult {
    return html`
      <h2>${say("invoices.title")}</h2>
      ${whenHere(this.#invoices, (all) => this.#renderInvoices(all))}
      <h2>${say("file.title")}</h2>
      ${whenHere(this.#file, (file) => html`${this.#renderFile(file)}${file.has_panels ? this.#renderNetMetering(file) : nothing}`)}
      <es-paired-phones .api=${this.api} household=${this.household} name=${this.name} .canChange=${this.canChange}></es-paired-phones>
      ${renderAsk(this.question, () => { this.question = null; })}
    `;
  }

  #renderInvoices(all: ListedInvoice[]): TemplateResult {
    if (all.length === 0) return html`<p class="soft">${say("invoices.none")}</p>`;
    return html`<ul>
      ${all.map((one) => {
        const what = one.number === null ? say("invoices.draft") : `${sayCode("invoice", one.kind)} ${one.shown_as}`;
        const path = one.number === null ? `/members/${this.household}/invoices/draft.pdf` : `/invoices/${one.number}.pdf`;
        return html`<li>
          <span
            ><span>${what}<small>${one.month}${one.corrects === null ? nothing : html` · ${say("invoices.corrects", { number: one.corrects })}`}</small></span></span
          >
          <span class="number">${kes(one.total_cents, true)}</span>
          <a class="small" download href="/api/v1/console${path}?language=${currentLanguage()}" aria-label="PDF: ${what}, ${one.month}">PDF</a>
        </li>`;
      })}
    </ul>`;
  }

  #renderFile(file: MemberFile): TemplateResult {
    return html`<ul>
        ${PARTS.map((name) => this.#renderPart(file, name))}
      </ul>
      ${file.needs_all && file.status === "applied" && file.missing.length > 0 ? html`<p class="soft">${say("file.needs_all")}</p>` : nothing}
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing} ${this.told ? html`<p class="soft" role="status">${this.told}</p>` : nothing}
      ${file.departure === null ? this.#renderLeave(file) : this.#renderDeparture(file.departure)}`;
  }

  #renderPart(file: MemberFile, name: PartName): TemplateResult {
    const part = file.parts[name];
    const says = name === "document" && part ? sayCode("document", part.says) : (part?.says ?? "");
    return html`<li>
      <span class=${part ? "there" : "lacks"}>
        ${icon(part ? "check" : "alert", 18)}
        <span
          >${sayCode("part", name)}
          <small>${part ? html`${says ? `${says} · ` : ""}${say("file.by", { who: part.by, when: moment(part.at, this.now, currentLanguage()) })}` : say("file.missing")}</small></span
        >
      </span>
      ${this.canChange && this.open !== name && file.status !== "left"
        ? html`<button
            class="small"
            aria-label="${say(part ? "file.again" : "file.add")}: ${sayCode("part", name)}"
            @click=${() => {
              this.open = name;
              this.problem = "";
            }}
          >
            ${say(part ? "file.again" : "file.add")}
          </button>`
        : nothing}
      ${this.open === name ? this.#renderForm(file, name) : nothing}
    </li>`;
  }

  #renderForm(file: MemberFile, name: PartName): TemplateResult {
    const { version } = file.consent;
    if (name === "phone") {
      return html`<form @submit=${this.#stop}>
        <p class="soft">${say("file.phone_means")}</p>
        <div class="actions">
          <button type="button" class="primary" @click=${() => this.#put(() => this.api.confirmPhone(this.household, "payment"), say("file.prompted"))}>${say("file.ask_payment")}</button>
          <button type="button" @click=${() => this.#put(() => this.api.confirmPhone(this.household, "operator"))}>${say("file.spoke")}</button>
        </div>
      </form>`;
    }
    if (name === "consent") {
      return html`<form @submit=${this.#stop}>
        <p class="consent">${file.consent[currentLanguage()]}</p>
        <button type="button" class="primary" @click=${() => this.#put(() => this.api.recordConsent(this.household, version))}>${say("file.agreed", { version })}</button>
      </form>`;
    }
    const field = (id: string, label: string): TemplateResult =>
      html`<div>
        <label for=${id}>${label}</label>
        <input id=${id} name=${id} required maxlength="40" autocomplete="off" />
      </div>`;
    return html`<form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const form = new FormData(event.target as HTMLFormElement);
        const text = (id: string): string => {
          const value = form.get(id);
          return typeof value === "string" ? value : "";
        };
        void this.#put(() =>
          name === "site" ? this.api.recordSite(this.household, text("transformer"), text("feeder")) : this.api.recordDocument(this.household, text("kind"), text("number")),
        );
      }}
    >
      ${name === "site"
        ? html`${field("transformer", say("file.transformer"))}${field("feeder", say("file.feeder"))}`
        : html`<div>
              <label for="kind">${say("file.kind")}</label>
              <select id="kind" name="kind">
                ${(["national_id", "passport", "alien_id"] as const).map((kind) => html`<option value=${kind}>${sayCode("document", kind)}</option>`)}
              </select>
            </div>
            ${field("number", say("file.document_number"))}`}
      <div class="actions"><button class="primary">${say("file.save")}</button></div>
    </form>`;
  }

  #renderLeave(file: MemberFile): TemplateResult | typeof nothing {
    if (!this.canChange) return nothing;
    const isApplicant = file.status === "applied";
    return html`<div class="actions" style="margin-top:16px">
      <button @click=${this.#askLeave(isApplicant)}>${say(isApplicant ? "file.turn_away" : "file.leave")}</button>
      <button @click=${this.#askData}>${say("file.data")}</button>
    </div>`;
  }

  /** Whether the utility credits what the household exports: then it is not minted, and an admin says when that changes. */
  #renderNetMetering(file: MemberFile): TemplateResult {
    const { net_metered_from: since, net_metered_until: until } = file;
    const isOn = since !== null && until === null;
    const told = isOn
      ? say("net_metering.since", { when: moment(since, this.now, currentLanguage()) })
      : until !== null
        ? say("net_metering.until", { when: moment(until, this.now, currentLanguage()) })
        : say("net_metering.none");
    return html`<h2>${say("net_metering.title")}</h2>
      <p class="soft">${told}</p>
      ${this.canChange && file.status !== "left"
        ? html`<div class="actions" style="margin-top:10px">
            <button @click=${() => { this.#askNetMetering(!isOn); }}>${say(isOn ? "net_metering.ended" : "net_metering.note")}</button>
          </div>`
        : nothing}`;
  }

  #askNetMetering(isOn: boolean): void {
    this.question = {
      name: "net_metering",
      title: say(isOn ? "net_metering.note_title" : "net_metering.ended_title", { name: this.name }),
      lead: say(isOn ? "net_metering.note_means" : "net_metering.ended_means"),
      label: say(isOn ? "net_metering.contract" : "app.reason"),
      go: say(isOn ? "net_metering.note" : "net_metering.ended"),
      act: async (contract) => {
        await this.api.noteNetMetering(this.household, isOn, contract);
        await this.#file.refresh();
      },
    };
  }

  #renderDeparture(gone: NonNullable<MemberFile["departure"]>): TemplateResult {
    const facts = [
      say("leaving.asked", { who: gone.asked_by, when: moment(gone.asked_at, this.now, currentLanguage()) }),
      gone.burned_wh > 0 ? say("leaving.burned", { quantity: exactEnergy(gone.burned_wh) }) : "",
      gone.paid_kes > 0 ? say("leaving.paid", { amount: kes(gone.paid_kes * 100) }) : "",
      gone.erase_at !== null && gone.erased_at === null ? say("leaving.erase", { when: moment(gone.erase_at, this.now, currentLanguage()) }) : "",
    ].filter((text) => text !== "");
    return html`<h2>${say("leaving.title")} <span class="pill warn">${sayCode("leaving", gone.state)}</span></h2>
      ${gone.reason ? html`<p>${gone.reason}</p>` : nothing}
      <p class="soft">${facts.join(" · ")}</p>
      ${this.canChange && gone.erased_at === null
        ? html`<div class="actions"><button @click=${this.#askData}>${say("file.data")}</button></div>`
        : nothing}`;
  }

  #askLeave = (isApplicant: boolean) => (): void => {
    this.question = {
      name: isApplicant ? "turn_away" : "leave",
      title: say(isApplicant ? "file.turn_away_title" : "file.leave_title", { name: this.name }),
      lead: say(isApplicant ? "file.turn_away_means" : "file.leave_means"),
      label: say("app.reason"),
      go: say(isApplicant ? "file.turn_away" : "file.leave"),
      act: async (reason) => {
        await this.api.letLeave(this.household, reason);
        await this.#file.refresh();
      },
    };
  };

  readonly #askData = (): void => {
    this.question = {
      name: "personal_data",
      title: say("file.data"),
      lead: say("file.data_means"),
      label: say("app.reason"),
      go: say("file.data"),
      act: async (reason) => {
        for (const format of ["json", "csv"] as const) save(await this.api.personalData(this.household, reason, format), `${this.household}-personal-data.${format}`);
      },
    };
  };

  readonly #stop = (event: Event): void => {
    event.preventDefault();
  };

  async #put(act: () => Promise<unknown>, told = ""): Promise<void> {
    this.problem = "";
    this.told = "";
    try {
      await act();
      this.open = null;
      this.told = told;
      await this.#file.refresh();
    } catch (problem) {
      this.problem = explain(problem);
    }
  }
}

/** Lets the browser keep `content` as a file. */
function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

declare global {
  interface HTMLElementTagNameMap {
    "es-member-file": EsMemberFile;
  }
}
