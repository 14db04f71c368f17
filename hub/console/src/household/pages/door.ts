// The app's door: pairing a phone by SMS, and opening it with the PIN.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { icon } from "../../parts/icons.js";
import { chooseLanguage, currentLanguage } from "../../language-choice.js";
import type { Session } from "../answers.js";
import { canMakeKeys } from "../keys.js";
import { typedPhone } from "../numbers.js";
import { say } from "../say.js";
import { Page } from "./base.js";

@customElement("es-door")
export class EsDoor extends Page {
  static override styles = [
    ...Page.styles,
    css`
      :host {
        min-height: 100dvh;
        display: grid;
        place-items: center;
        padding: 24px 18px calc(24px + env(safe-area-inset-bottom));
        background: radial-gradient(120% 60% at 50% 0%, var(--brand-wash), transparent 70%);
      }
      main {
        width: min(420px, 100%);
      }
      .mark {
        width: 64px;
        height: 64px;
        border-radius: 20px;
        display: grid;
        place-items: center;
        background: var(--brand);
        color: var(--brand-ink);
        margin-bottom: 22px;
      }
      h1 {
        font-size: 28px;
        margin-bottom: 8px;
      }
      .lead {
        font-size: 16px;
        margin-bottom: 22px;
      }
      .digits {
        font-size: 24px;
        letter-spacing: 0.28em;
        font-variant-numeric: tabular-nums;
      }
      .language {
        position: absolute;
        top: calc(12px + env(safe-area-inset-top));
        right: 12px;
      }
      .others {
        display: flex;
        justify-content: center;
        flex-wrap: wrap;
        gap: 4px;
        margin-top: 10px;
      }
    `,
  ];

  @property({ type: Boolean }) isPaired = false;
  @state() private phone = "";
  @state() private pairing = "";

  protected override render(): TemplateResult {
    return html`
      <button class="quiet small language" @click=${this.#switch}>${say("app.language")}</button>
      <main>
        <span class="mark">${icon("swap", 36)}</span>
        ${this.isPaired ? this.#renderUnlock() : !canMakeKeys() ? html`<h1>${say("pair.title")}</h1><p class="tell bad" role="alert">${say("pair.no_keys")}</p>` : this.pairing ? this.#renderCode() : this.#renderPhone()}
      </main>
    `;
  }

  #renderPhone(): TemplateResult {
    return html`<h1>${say("pair.title")}</h1>
      <p class="lead">${say("pair.lead")}</p>
      <form @submit=${this.#ask}>
        <div class="field">
          <label for="phone">${say("pair.phone")}</label>
          <input id="phone" type="tel" inputmode="tel" autocomplete="tel" required .value=${this.phone} aria-describedby="phone-help" />
          <p class="help" id="phone-help">${say("pair.phone_help")}</p>
        </div>
        ${this.renderTold("door")}
        <button class="primary block" ?disabled=${this.isBusy}>${say("pair.send")}</button>
      </form>`;
  }

  #renderCode(): TemplateResult {
    return html`<h1>${say("pair.code_title")}</h1>
      <p class="lead">${say("pair.code_lead", { phone: this.phone })}</p>
      <form @submit=${this.#finish}>
        <div class="field">
          <label for="code">${say("pair.code")}</label>
          <input id="code" class="digits" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6" required />
        </div>
        <div class="field">
          <label for="pin">${say("pair.pin")}</label>
          <input id="pin" class="digits" type="password" inputmode="numeric" autocomplete="new-password" pattern="[0-9]{4,8}" maxlength="8" required aria-describedby="pin-help" />
          <p class="help" id="pin-help">${say("pair.pin_help")}</p>
        </div>
        <div class="field">
          <label for="pin-again">${say("pair.pin_again")}</label>
          <input id="pin-again" class="digits" type="password" inputmode="numeric" autocomplete="new-password" maxlength="8" required />
        </div>
        ${this.renderTold("door")}
        <button class="primary block" ?disabled=${this.isBusy}>${say("pair.finish")}</button>
      </form>
      <div class="others"><button class="quiet small" @click=${this.#other}>${say("pair.other")}</button></div>`;
  }

  #renderUnlock(): TemplateResult {
    const name = this.hub.kept<Session>("session")?.value.name;
    return html`<h1>${say("unlock.title")}</h1>
      <p class="lead">${name ?? nothing}</p>
      <form @submit=${this.#unlock}>
        <div class="field">
          <label for="pin">${say("unlock.pin")}</label>
          <input id="pin" class="digits" type="password" inputmode="numeric" autocomplete="current-password" maxlength="8" required />
        </div>
        ${this.renderTold("door")}
        <button class="primary block" ?disabled=${this.isBusy}>${say("unlock.open")}</button>
      </form>
      <div class="others">
        ${this.hub.kept("/home") && !navigator.onLine ? html`<button class="quiet small" @click=${this.#readOnly}>${say("unlock.read")}</button>` : nothing}
        <button class="quiet small" @click=${this.#forget}>${say("unlock.forget")}</button>
      </div>`;
  }

  readonly #ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    this.phone = this.field("phone");
    const phone = typedPhone(this.phone);
    if (phone === null) {
      this.tell("door", say("pair.bad_phone"));
      return;
    }
    await this.act("door", async () => {
      this.pairing = await this.hub.askForCode(phone);
      return "";
    });
  };

  readonly #finish = async (event: Event): Promise<void> => {
    event.preventDefault();
    const pin = this.field("pin");
    if (pin !== this.field("pin-again")) {
      this.tell("door", say("pair.pins_differ"));
      return;
    }
    const name = /android/i.test(navigator.userAgent) ? "Android" : /iphone|ipad/i.test(navigator.userAgent) ? "iPhone" : "Browser";
    const isIn = await this.act("door", async () => {
      await this.hub.pair(this.pairing, this.field("code"), pin, name);
      return "";
    });
    if (isIn) this.dispatchEvent(new CustomEvent("opened"));
  };

  readonly #unlock = async (event: Event): Promise<void> => {
    event.preventDefault();
    const isIn = await this.act("door", async () => {
      await this.hub.unlock(this.field("pin"));
      return "";
    });
    if (isIn) this.dispatchEvent(new CustomEvent("opened"));
    else this.renderRoot.querySelector<HTMLInputElement>("#pin")?.select();
  };

  readonly #forget = async (): Promise<void> => {
    if (confirm(say("unlock.forget_sure"))) await this.hub.forget();
  };

  readonly #readOnly = (): void => {
    this.dispatchEvent(new CustomEvent("read-only"));
  };

  readonly #other = (): void => {
    this.pairing = "";
    this.told = null;
  };

  readonly #switch = (): void => {
    chooseLanguage(currentLanguage() === "en" ? "sw" : "en");
  };
}
