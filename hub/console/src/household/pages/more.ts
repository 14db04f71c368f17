// More: being told at once, being paid by QR, sharing the meter, complaining with a picture, the paired phones, and the PIN.
import { html, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import { moment } from "../../format.js";
import { currentLanguage } from "../../language-choice.js";
import type { Complaint, Home, Phone } from "../answers.js";
import { smallPicture } from "../picture.js";
import { qrCode } from "../qr.js";
import { Reading } from "../reading.js";
import { say, type Word } from "../say.js";
import { Page } from "./base.js";
import "./messages.js";

const ABOUT = ["reading", "trade", "payment", "price", "other"] as const;

@customElement("es-more")
export class EsMore extends Page {
  @state() private photo: { base64: string; bytes: number } | null = null;

  readonly #home = new Reading<Home>(this, () => "/home", 60);
  readonly #phones = new Reading<{ phones: Phone[] }>(this, () => "/phones", 60);
  readonly #complaints = new Reading<{ complaints: Complaint[] }>(this, () => "/complaints", 30);

  protected override render(): TemplateResult {
    const home = this.#home.value;
    return html`<h1 class="hidden-text">${say("more.title")}</h1>
      <div class="page two">
        <div class="column"><es-messages .hub=${this.hub}></es-messages> ${home ? html`${this.#renderPaid(home)} ${this.#renderMeter(home)}` : nothing} ${this.#renderPhones()}</div>
        <div class="column">${this.#renderComplaint()} ${this.#renderPin()}</div>
      </div>`;
  }

  #renderPaid(home: Home): TemplateResult {
    const text = say("more.paid_lead", { code: home.short_code, account: home.account });
    return html`<section class="card">
      <h2>${say("more.paid")}</h2>
      <p class="lead">${text}</p>
      ${qrCode(`M-PESA Pay Bill ${home.short_code} Account ${home.account}`, text)}
      <button class="block" @click=${() => this.#copy("paid", `Pay Bill ${home.short_code}, account ${home.account}`)}>${say(this.told?.about === "paid" ? "more.copied" : "more.copy")}</button>
    </section>`;
  }

  #renderMeter(home: Home): TemplateResult {
    return html`<section class="card">
      <details>
        <summary>${say("more.meter")}</summary>
        <p>${say("more.meter_lead")}</p>
        ${qrCode(`energy-swap:meter:${home.meter}`, say("more.meter"))}
        <p class="mono">${home.meter}</p>
      </details>
    </section>`;
  }

  async #copy(about: string, text: string): Promise<void> {
    await navigator.clipboard.writeText(text).catch(() => undefined);
    this.told = { about, kind: "good", text: "" };
  }

  #renderComplaint(): TemplateResult {
    const own = this.#complaints.value?.complaints ?? [];
    const language = currentLanguage();
    return html`<section class="card">
      <h2>${say("more.complaint")}</h2>
      <p class="lead">${say("complaint.lead")}</p>
      <form @submit=${this.#complain}>
        <div class="field">
          <label for="about">${say("complaint.about")}</label>
          <select id="about">${ABOUT.map((about) => html`<option value=${about}>${say(`about.${about}`)}</option>`)}</select>
        </div>
        <div class="field">
          <label for="text">${say("complaint.text")}</label>
          <textarea id="text" rows="3" maxlength="2000" required></textarea>
        </div>
        <input id="photo" type="file" accept="image/*" hidden @change=${this.#chosen} />
        <button type="button" class="block" @click=${() => { this.renderRoot.querySelector<HTMLInputElement>("#photo")?.click(); }}>
          ${this.photo ? say("complaint.photo_there", { size: Math.ceil(this.photo.bytes / 1000) }) : say("complaint.photo")}
        </button>
        ${this.renderTold("complaint")}
        <button class="primary block" ?disabled=${this.isBusy}>${say("complaint.send")}</button>
      </form>
      ${own.length === 0 ? nothing : html`<h2 style="margin-top:20px">${say("complaint.own")}</h2>`}
      <ul class="list" data-test="complaints">
        ${own.map(
          (one) => html`<li>
            <div class="what">
              <b>${say(`about.${one.about}` as Word)}</b><span>${moment(one.at, this.hub.now(), language)} · ${one.text}</span>
              ${one.answer ? html`<p class="tell">${one.answer}</p>` : nothing}
            </div>
            <span class="pill ${one.is_open ? "warn" : "good"}">${say(one.is_open ? "complaint.open" : "complaint.answered")}</span>
          </li>`,
        )}
      </ul>
    </section>`;
  }

  readonly #chosen = async (event: Event): Promise<void> => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (!file) return;
    try {
      this.photo = await smallPicture(file);
    } catch {
      this.tell("complaint", say("complaint.photo_bad"));
    }
  };

  readonly #complain = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const isSent = await this.act("complaint", async () => {
      await this.hub.post("/complaints", { about: this.field("about"), text: this.field("text"), photo: this.photo?.base64 ?? null });
      return say("complaint.sent");
    });
    if (!isSent) return;
    form.reset();
    this.photo = null;
    await this.#complaints.refresh();
  };

  #renderPhones(): TemplateResult {
    const phones = this.#phones.value?.phones ?? [];
    const language = currentLanguage();
    return html`<section class="card">
      <h2>${say("more.phones")}</h2>
      <p class="lead">${say("phones.lead")}</p>
      <ul class="list" data-test="phones">
        ${phones.map(
          (phone) => html`<li>
            <div class="what"><b>${phone.name}${phone.is_this ? ` · ${say("phones.this")}` : ""}</b><span>${say("phones.used", { time: moment(phone.used_at, Date.now() / 1000, language) })}</span></div>
            <button class="small" ?disabled=${this.isBusy} @click=${() => this.#remove(phone)}>${say("phones.remove")}</button>
          </li>`,
        )}
      </ul>
      ${this.renderTold("phones")}
      <button class="block" @click=${() => void this.hub.lock().catch(() => undefined)}>${say("app.lock")}</button>
    </section>`;
  }

  async #remove(phone: Phone): Promise<void> {
    if (phone.is_this) {
      if (confirm(say("unlock.forget_sure"))) await this.hub.forget();
      return;
    }
    await this.act("phones", async () => {
      await this.hub.post(`/phones/${phone.id}/revoke`);
      return "";
    });
    await this.#phones.refresh();
  }

  #renderPin(): TemplateResult {
    return html`<section class="card">
      <details>
        <summary>${say("more.pin")}</summary>
        <form @submit=${this.#changePin} style="padding-bottom:8px">
          <div class="field">
            <label for="pin">${say("pin.now")}</label>
            <input id="pin" type="password" inputmode="numeric" autocomplete="current-password" maxlength="8" required />
          </div>
          <div class="field">
            <label for="new-pin">${say("pin.new")}</label>
            <input id="new-pin" type="password" inputmode="numeric" autocomplete="new-password" pattern="[0-9]{4,8}" maxlength="8" required />
          </div>
          ${this.renderTold("pin")}
          <button class="primary block" ?disabled=${this.isBusy}>${say("more.pin")}</button>
        </form>
      </details>
    </section>`;
  }

  readonly #changePin = async (event: Event): Promise<void> => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const isChanged = await this.act("pin", async () => {
      await this.hub.post("/pin", { pin: this.field("pin"), new_pin: this.field("new-pin") });
      return say("pin.changed");
    });
    if (isChanged) form.reset();
  };
}
