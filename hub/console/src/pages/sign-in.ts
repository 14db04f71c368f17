// The sign-in page: user and password, and plainly what went wrong.
import { css, html, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { HubProblem, type HubApi } from "../api.js";
import { chooseLanguage, currentLanguage, say, TranslatedElement } from "../language.js";
import { hasPasskeys, usePasskey } from "../passkeys.js";
import { icon } from "../parts/icons.js";
import { baseStyles, controlStyles } from "../style/shared.js";

@customElement("es-sign-in")
export class EsSignIn extends TranslatedElement {
  static override styles = [
    baseStyles,
    controlStyles,
    css`
      :host {
        min-height: 100dvh;
        display: grid;
        place-items: center;
        padding: 20px;
        background:
          radial-gradient(60% 50% at 15% 10%, color-mix(in srgb, var(--make) 20%, transparent), transparent),
          radial-gradient(60% 60% at 90% 95%, color-mix(in srgb, var(--brand) 20%, transparent), transparent);
      }
      main {
        width: min(400px, 100%);
        padding: 32px 28px 20px;
      }
      .mark {
        display: grid;
        place-items: center;
        width: 56px;
        height: 56px;
        border-radius: 16px;
        background: var(--brand);
        color: var(--brand-ink);
        margin-bottom: 18px;
      }
      .lead {
        color: var(--ink-soft);
        margin: 6px 0 22px;
      }
      form {
        display: grid;
        gap: 16px;
      }
      .primary {
        width: 100%;
        margin-top: 4px;
      }
      .passkey {
        width: 100%;
        margin-top: 10px;
      }
      .problem {
        background: var(--bad-wash);
        color: var(--bad);
        border-radius: var(--radius-small);
        padding: 10px 12px;
      }
      .language {
        display: block;
        margin: 10px auto 0;
        font-weight: 500;
        color: var(--ink-soft);
      }
      .hint {
        margin-top: 6px;
        font-size: 13.5px;
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) api!: HubApi;
  @state() private problem = "";
  @state() private isBusy = false;
  @state() private isCodeAsked = false;

  protected override render(): TemplateResult {
    const isEnglish = currentLanguage() === "en";
    return html`<main class="card">
      <div class="mark">${icon("swap", 32)}</div>
      <h1>Energy Swap</h1>
      <p class="lead">${say("sign_in.lead")}</p>
      <form @submit=${this.#submit}>
        <div>
          <label for="user">${say("sign_in.user")}</label>
          <input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required />
        </div>
        <div>
          <label for="password">${say("sign_in.password")}</label>
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </div>
        ${this.isCodeAsked
          ? html`<div>
              <label for="code">${say("sign_in.code")}</label>
              <input id="code" name="code" inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="one-time-code" required />
              <p class="hint">${say("sign_in.code_means")}</p>
            </div>`
          : nothing}
        ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
        <button class="primary" type="submit" ?disabled=${this.isBusy}>${say(this.isBusy ? "sign_in.busy" : "sign_in.go")}</button>
      </form>
      ${hasPasskeys() ? html`<button class="passkey" ?disabled=${this.isBusy} @click=${this.#byPasskey}>${say("sign_in.by_passkey")}</button>` : nothing}
      <button
        class="quiet language"
        lang=${isEnglish ? "sw" : "en"}
        @click=${() => {
          chooseLanguage(isEnglish ? "sw" : "en");
        }}
      >
        ${isEnglish ? "Kiswahili" : "English"}
      </button>
    </main>`;
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector("input")?.focus();
  }

  async #submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === "string" ? value : "";
    };
    this.isBusy = true;
    this.problem = "";
    try {
      const session = await this.api.signIn(text("user").trim(), text("password"), this.isCodeAsked ? text("code") : null);
      this.dispatchEvent(new CustomEvent("signed-in", { detail: session }));
    } catch (problem) {
      if (problem instanceof HubProblem && problem.code === "code_needed" && !this.isCodeAsked) {
        this.isCodeAsked = true;
        await this.updateComplete;
        this.renderRoot.querySelector<HTMLElement>("#code")?.focus();
      } else {
        this.problem = this.#explain(problem);
      }
    } finally {
      this.isBusy = false;
    }
  }

  readonly #byPasskey = async (): Promise<void> => {
    this.isBusy = true;
    this.problem = "";
    try {
      const options = await this.api.beginPasskeySignIn();
      const credential = await usePasskey(options).catch(() => null);
      if (credential === null) this.problem = say("sign_in.passkey_declined");
      else this.dispatchEvent(new CustomEvent("signed-in", { detail: await this.api.signInByPasskey(credential) }));
    } catch (problem) {
      this.problem = this.#explain(problem);
    } finally {
      this.isBusy = false;
    }
  };

  #explain(problem: unknown): string {
    if (!(problem instanceof HubProblem)) return String(problem);
    if (problem.status === 0) return say("app.unreachable");
    if (problem.status === 429 || problem.message.startsWith("too many")) return say("sign_in.too_many");
    if (problem.code === "code_wrong") return say("sign_in.code_wrong");
    if (problem.code === "passkey_refused") return problem.message;
    return problem.status === 401 ? say("sign_in.wrong") : problem.message;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "es-sign-in": EsSignIn;
  }
}
