// What all pages of the app share: the hub they speak to, doing one thing at a time, and telling how it went.
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { property, state } from "lit/decorators.js";
import { TranslatedElement } from "../../language-choice.js";
import { baseStyles, controlStyles } from "../../style/shared.js";
import type { Hub } from "../hub.js";
import { look } from "../look.js";
import { explain } from "../say.js";

export class Page extends TranslatedElement {
  static override styles = [baseStyles, controlStyles, look];

  @property({ attribute: false }) hub!: Hub;
  @state() protected isBusy = false;
  @state() protected told: { text: string; kind: "good" | "bad"; about: string } | null = null;

  /** What is told lies where it can be read: above the tabs, whatever was pressed. */
  protected override updated(changed: PropertyValues): void {
    if (changed.has("told") && this.told) this.renderRoot.querySelector(".told")?.scrollIntoView({ block: "nearest" });
  }

  /** Does something, and tells beside `about` what came of it. */
  protected async act(about: string, work: () => Promise<string>): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.told = null;
    try {
      const text = await work();
      this.told = text === "" ? null : { text, kind: "good", about };
      return true;
    } catch (problem) {
      this.told = { text: explain(problem), kind: "bad", about };
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  protected tell(about: string, text: string): void {
    this.told = { text, kind: "bad", about };
  }

  protected renderTold(about: string): TemplateResult | typeof nothing {
    if (this.told?.about !== about) return nothing;
    return html`<p class="tell told ${this.told.kind}" role=${this.told.kind === "bad" ? "alert" : "status"}>${this.told.text}</p>`;
  }

  protected field(id: string): string {
    return this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)?.value ?? "";
  }
}
