// The chain: the supply that must equal the ledger, who holds the keys, and every transaction the hub intended.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Chain, HubApi, Intent, Overview } from "../api.js";
import { count, energy, exactEnergy, moment, periodStart, shortKey, sol } from "../format.js";
import { currentLanguage, say, sayCode, TranslatedElement, type Word } from "../language.js";
import { householdName } from "../parts/household-name.js";
import { icon } from "../parts/icons.js";
import { whenHere, whenListed } from "../parts/pending.js";
import { LongList } from "../long-list.js";
import { Remote } from "../remote.js";
import { baseStyles, controlStyles } from "../style/shared.js";
import { tableStyles } from "../style/tables.js";
import { chainStyles } from "./chain.styles.js";
import "../parts/key-text.js";
import "../parts/long-rows.js";

/** The states an intent can end or wait in, by how they should look. */
const LOOKS: Record<string, string> = {
  finalized: "good",
  finalised: "good",
  confirmed: "good",
  done: "good",
  queued: "",
  failed: "bad",
  refused: "bad",
  unknown: "bad",
};

@customElement("es-chain")
export class EsChain extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, tableStyles, chainStyles];

  @property({ attribute: false }) api!: HubApi;
  @property({ attribute: false }) overview: Overview | undefined;

  @state() private checked: { signature: string; period: string } | null = null;
  @state() private kind: "all" | "mint_period" = "all";

  readonly #chain = new Remote<Chain>(this, () => this.api.chain(), 8);
  readonly #intents = new LongList<Intent>(this, (wanted) => this.api.intents(wanted, this.kind === "all" ? null : this.kind), (one) => String(one.number), 8);

  protected override render(): TemplateResult {
    return html`<div class="page-head"><h1>${say("nav.chain")}</h1></div>
      ${whenHere(this.#chain, (chain) => html`<div class="stack">${this.#renderSupply(chain)}${this.#renderKeys(chain)}${this.#renderIntents()}</div>`)}
      ${this.checked === null
        ? nothing
        : html`<es-mint-check
            .api=${this.api}
            .signature=${this.checked.signature}
            .period=${this.checked.period}
            .community=${this.overview?.community.id ?? ""}
            .now=${this.overview?.now ?? 0}
            @closed=${() => {
              this.checked = null;
            }}
          ></es-mint-check>`}`;
  }

  #renderSupply(chain: Chain): TemplateResult {
    const isWhole = chain.supply_wh === chain.ledger_wh;
    const figure = (word: Word, wh: number): TemplateResult => html`<div><span>${say(word)}</span><b>${exactEnergy(wh)}</b><small>eKWh</small></div>`;
    const held = chain.supply_wh - chain.escrow_wh;
    const part = (name: string, wh: number): TemplateResult | typeof nothing => (wh <= 0 ? nothing : html`<i class=${name} style="flex-grow:${wh}"></i>`);
    return html`<section class="card supply" aria-labelledby="supply-title">
      <div class="card-head">
        <h2 id="supply-title">${say("chain.supply_title")}</h2>
        <span class="pill ${isWhole ? "good" : "bad"}">${icon(isWhole ? "check" : "alert", 16)} ${say(isWhole ? "chain.equal" : "chain.unequal")}</span>
      </div>
      <div class="sum ${isWhole ? "well" : "ill"}">
        ${figure("chain.supply", chain.supply_wh)}
        <i aria-label=${say(isWhole ? "chain.equals" : "chain.differs")}>${isWhole ? "=" : "≠"}</i>
        ${figure("chain.ledger", chain.ledger_wh)}
      </div>
      <p class="minted">${say("chain.minted", { quantity: exactEnergy(chain.minted_wh) })}</p>
      <div class="share" aria-hidden="true">${part("burned", chain.burned_wh)}${part("escrow", chain.escrow_wh)}${part("held", held)}</div>
      <dl>
        <div class="burned"><dt>${say("chain.burned")}</dt><dd>${exactEnergy(chain.burned_wh)}</dd></div>
        <div class="escrow"><dt>${say("chain.in_escrow")}</dt><dd>${exactEnergy(chain.escrow_wh)}</dd></div>
        <div class="held"><dt>${say("chain.held")}</dt><dd>${exactEnergy(held)}</dd></div>
      </dl>
    </section>`;
  }

  #renderKeys(chain: Chain): TemplateResult {
    return html`<section class="card keys" aria-labelledby="keys-title">
      <h2 id="keys-title">${say("chain.keys")}</h2>
      <p class="custody">${chain.custody}</p>
      ${chain.trust_program === null ? nothing : html`<p class="notice warn">${icon("alert")}<span>${say("chain.trust_mode")}</span></p>`}
      ${chain.lost_hub === null ? nothing : html`<p class="notice warn">${icon("alert")}<span>${say("chain.lost_hub")}</span></p>`}
      <dl>
        <div><dt>${say("chain.cluster")}</dt><dd>${chain.cluster} <span class="soft">${chain.version}</span></dd></div>
        <div><dt>${say("chain.slot")}</dt><dd>${count(this.overview?.chain.slot ?? chain.slot)}</dd></div>
        <div><dt>${say("chain.mint")}</dt><dd><es-key text=${chain.mint}></es-key></dd></div>
        ${chain.trust_program === null ? nothing : html`<div><dt>${say("chain.trust")}</dt><dd><es-key text=${chain.trust_program}></es-key></dd></div>`}
        <div><dt>${say("chain.escrow")}</dt><dd><es-key text=${chain.escrow}></es-key></dd></div>
        <div><dt>${say("chain.hub")}</dt><dd><es-key text=${chain.fee_payer}></es-key></dd></div>
      </dl>
    </section>`;
  }

  #renderIntents(): TemplateResult {
    return html`<section class="card intents" aria-labelledby="intents-title">
      <div class="card-head">
        <h2 id="intents-title">${say("chain.intents")}</h2>
        <div class="segments" role="group" aria-label=${say("live.view")}>${(["all", "mint_period"] as const).map((kind) => this.#renderKind(kind))}</div>
      </div>
      ${whenListed(
        this.#intents,
        () =>
          html`<es-long-rows
            .list=${this.#intents}
            .label=${say("chain.intents")}
            .head=${html`<th>${say("chain.what")}</th>
              <th style="width:14%">${say("chain.state")}</th>
              <th style="width:14%">${say("chain.begun")}</th>
              <th style="width:8%">${say("chain.took")}</th>
              <th style="width:17%">${say("chain.signature")}</th>
              <th class="right" style="width:14%">${say("chain.fee")}</th>`}
            .row=${(intent: Intent) => this.#renderIntent(intent)}
            look="cards"
          ></es-long-rows>`,
      )}
    </section>`;
  }

  #renderKind(kind: "all" | "mint_period"): TemplateResult {
    return html`<button
      aria-pressed=${this.kind === kind}
      @click=${() => {
        this.kind = kind;
        void this.#intents.restart();
      }}
    >
      ${say(`chain.${kind}`)}
    </button>`;
  }

  /** What a transaction does; one that a household signed says what it signed. */
  #what(intent: Intent): string {
    if (!intent.signed || intent.wh === null) return sayCode("intent", intent.id.startsWith("refund:") ? "refund" : intent.kind);
    return say(`intent.${intent.signed}`, { quantity: energy(intent.wh) });
  }

  /** Whose it is, or which period's, and how much. */
  #whose(intent: Intent): TemplateResult | typeof nothing {
    const { household, signed, wh } = intent;
    const period = /\d{4}-\d\d-\d\dT\d\d:\d\dZ/.exec(intent.id)?.[0];
    const words = [
      household === null ? null : householdName(this.overview, household),
      period === undefined ? null : moment(periodStart(period), this.overview?.now ?? 0, currentLanguage()),
      signed ? null : wh === null ? null : energy(wh),
      signed === "order" || signed === "auction" ? shortKey(intent.id.replace(/^lock:/, "")) : null,
    ].filter((word) => word !== null);
    return words.length === 0 ? nothing : html`<small class="number">${words.join(" · ")}</small>`;
  }

  #renderCheck(intent: Intent): TemplateResult | typeof nothing {
    const { signature } = intent;
    const period = /^mint:(\d{4}-\d\d-\d\dT\d\d:\d\dZ)/.exec(intent.id)?.[1];
    if (signature === null || !intent.wh || period === undefined) return nothing;
    return html`<button
      class="link"
      aria-haspopup="dialog"
      @click=${() => {
        this.checked = { signature, period };
        void import("../parts/mint-check.js"); // few need it: it is fetched when somebody does
      }}
    >
      ${say("proof.check")}
    </button>`;
  }

  #renderIntent(intent: Intent): TemplateResult {
    const { finished_at: finished, created_at: begun } = intent;
    return html`<tr>
      <td class="lead what">
        <span><b>${this.#what(intent)}</b>${this.#whose(intent)}${intent.error === null ? nothing : html`<small class="error">${intent.error}</small>`}${this.#renderCheck(intent)}</span>
      </td>
      <td class="tail"><span class="pill ${LOOKS[intent.state] ?? "warn"}">${sayCode("state", intent.state)}</span></td>
      <td class="number soft">${moment(begun, this.overview?.now ?? begun, currentLanguage())}</td>
      <td class="number soft wide-only">${finished === null ? "–" : `${count(finished - begun)} s`}</td>
      <td>${intent.signature === null ? "–" : html`<es-key text=${intent.signature}></es-key>`}</td>
      <td class="right">${intent.fee_lamports === null ? "–" : sol(intent.fee_lamports)}</td>
    </tr>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-chain": EsChain;
  }
}
