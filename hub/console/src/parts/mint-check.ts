// A dialog that checks one mint in this browser: the published readings against the transaction on the chain, a line per check.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { HubApi } from "../api.js";
import { exactEnergy, moment, periodStart, shortKey } from "../format.js";
import { currentLanguage, say, TranslatedElement, type Word } from "../language.js";
import { fromBase64 } from "../proof/bytes.js";
import { proveMint, type Check } from "../proof/mint-proof.js";
import { canCheckSignatures } from "../proof/readings.js";
import { dialogStyles } from "../style/dialog.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { icon } from "./icons.js";
import { explain } from "./pending.js";

@customElement("es-mint-check")
export class EsMintCheck extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    dialogStyles,
    css`
      ul {
        list-style: none;
        margin: 14px 0;
      }
      li {
        display: grid;
        grid-template-columns: 22px minmax(0, 1fr);
        gap: 10px;
        padding: 9px 0;
        border-bottom: 1px solid var(--line);
        overflow-wrap: anywhere;
      }
      li small {
        display: block;
        font-size: 13px;
        color: var(--ink-soft);
      }
      .holds {
        color: var(--good);
      }
      .lies,
      li.lie b,
      li.lie small {
        color: var(--bad);
      }
      .verdict {
        border-radius: 10px;
        padding: 9px 12px;
        font-weight: 560;
        margin-bottom: 14px;
      }
      .actions {
        margin-top: 14px;
      }
      .verdict.good {
        background: var(--good-wash);
        color: var(--good);
      }
      .verdict.bad {
        background: var(--bad-wash);
        color: var(--bad);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @property() signature = "";
  /** The period that the mint is of. */
  @property() period = "";
  @property() community = "";
  @property({ attribute: false }) now = 0;
  @state() private checks: Check[] = [];
  @state() private isDone = false;
  @state() private problem = "";

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("dialog")?.showModal();
    this.renderRoot.querySelector<HTMLElement>("h2")?.focus();
    void this.#check();
  }

  protected override render(): TemplateResult {
    const isTrue = this.checks.every((check) => check.holds);
    return html`<dialog data-dialog="mint_check" class="wide" aria-labelledby="title" @close=${() => this.dispatchEvent(new CustomEvent("closed"))}>
      <h2 id="title" tabindex="-1">${say("proof.title", { period: moment(periodStart(this.period), this.now, currentLanguage()) })}</h2>
      <p class="lead">${say("proof.lead")}</p>
      <ul aria-label=${say("proof.checks")}>
        ${this.checks.map((check) => this.#renderCheck(check))}
      </ul>
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
      ${this.isDone
        ? html`<p class="verdict ${isTrue ? "good" : "bad"}" role="status">${say(isTrue ? "proof.true" : "proof.lie")}</p>`
        : this.problem
          ? nothing
          : html`<p class="soft" role="status">${say("app.loading")}</p>`}
      <p class="lead">${say("proof.not_here")}</p>
      <div class="actions"><button type="button" @click=${this.#close}>${say("app.close")}</button></div>
    </dialog>`;
  }

  #renderCheck(check: Check): TemplateResult {
    const { account, wh, meter, ...others } = check.values;
    const values = {
      ...others,
      account: shortKey(String(account ?? "")),
      meter: String(meter ?? ""),
      energy: typeof wh === "number" ? exactEnergy(wh) : "",
    };
    const word: Word = `proof.${check.what}`;
    return html`<li class=${check.holds ? "" : "lie"}>
      <span class=${check.holds ? "holds" : "lies"}>${icon(check.holds ? "check" : "alert", 20)}</span>
      <span>
        <b>${check.holds ? nothing : html`${say("proof.not")} `}${say(word)}</b>
        <small>${check.holds ? say(`proof.${check.what}_found`, values) : check.why}</small>
      </span>
    </li>`;
  }

  async #check(): Promise<void> {
    try {
      if (!(await canCheckSignatures())) throw new Error(say("proof.no_crypto"));
      const [[head, evidence], raw] = await Promise.all([this.api.mintsOf(this.community, this.period), this.api.transaction(this.signature)]);
      const told = evidence.transactions.find((one) => one.signature === this.signature);
      if (told === undefined) throw new Error(say("proof.unpublished"));
      await proveMint(head, this.period, told, fromBase64(raw), (check) => {
        this.checks = [...this.checks, check];
      });
      this.isDone = true;
    } catch (problem) {
      this.problem = explain(problem);
    }
  }

  readonly #close = (): void => {
    this.renderRoot.querySelector("dialog")?.close();
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-mint-check": EsMintCheck;
  }
}
