// What an account of the ledger is called: whose it is and what of, and its own name for the books.
import { html, type TemplateResult } from "lit";
import type { Overview } from "../api.js";
import { sayCode } from "../language.js";
import { householdName } from "./household-name.js";

/** In words, with the ledger's own name after it. */
export function accountTitle(account: string, overview: Overview | undefined): TemplateResult {
  const [owner = "", part] = account.split(":");
  const words = part === undefined ? sayCode("account", account) : `${householdName(overview, owner)}, ${sayCode("account", part)}`;
  return html`${words} <span class="soft mono">${account}</span>`;
}
