// Evidence as people read it: names and values, with money, energy and times worded by the unit in their name.
import { html, type TemplateResult } from "lit";
import { clockWithSeconds, day, energy, kes, power } from "../format.js";
import { currentLanguage } from "../language.js";
import { writeRoute } from "../route.js";

const readable = (name: string): string => {
  const words = { cents: "amount", kes: "amount" }[name] ?? name.replace(/_(cents|wh|at|w|masked)$/, "").replaceAll("_", " ").replace(/\bpv\b/, "PV").replace("m pesa", "M-Pesa");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** A number worded by the unit its name ends in; anything else as it is. */
export function evidenceText(name: string, value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") {
    if (name === "cents" || name.endsWith("_cents")) return kes(value);
    if (name === "kes") return kes(value * 100);
    if (name.endsWith("_wh")) return energy(value);
    if (name.endsWith("_w")) return power(value);
    if (name.endsWith("_at") && value > 1_000_000_000) return `${day(value, currentLanguage())} ${clockWithSeconds(value)}`;
    return String(value);
  }
  if (typeof value === "boolean") return value ? "✓" : "✗";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((one) => typeof one !== "object")) return value.join(", ");
  return JSON.stringify(value, null, 2);
}

/** A picture that came with a complaint: the hub's own address, and never one that somebody wrote. */
const isPicture = (name: string, text: string): boolean => name === "photo" && /^\/api\/v1\/console\/complaints\/\d+\/photo$/.test(text);

/** `nameOf` names a household of the community. */
export function renderEvidence(evidence: Record<string, unknown>, nameOf: (household: string) => string): TemplateResult {
  return html`<dl class="evidence">
    ${Object.entries(evidence).map(([name, value]) => {
      const text = evidenceText(name, value);
      return html`<div>
        <dt title=${name}>${readable(name)}</dt>
        <dd>
          ${name === "household" && /^h-\d+$/.test(text)
            ? html`<a href=${writeRoute("households", text)}>${nameOf(text)}</a>`
            : isPicture(name, text)
            ? html`<a href=${text} target="_blank" rel="noopener"><img src=${text} alt=${readable(name)} loading="lazy" style="max-width:min(100%,320px);border-radius:10px;display:block" /></a>`
            : text.includes("\n")
              ? html`<pre>${text}</pre>`
              : text}
        </dd>
      </div>`;
    })}
  </dl>`;
}
