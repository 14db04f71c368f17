// What a ledger entry was, for a reader: in their language where the hub's own wording is known, with the household's name.
import type { Entry } from "../api.js";
import { clock, day, energy, kes, periodStart } from "../format.js";
import { currentLanguage, say, type Word } from "../language.js";

const HOUSEHOLD = /\bh-\d{3,}\b/;
const PAYOUT_DONE = /^payout (\S+) (arrived|failed)(?:: (.*))?$/;
const TRADE = /^(?:spot|auction): (\d+) Wh from (.+) to (.+)$/; // one buyer of several sellers, or the other way round

/** The hub's texts that have words of their own. */
const WORDS: Record<string, Word> = {
  "top-up": "entry.top_up",
  "spot sale": "entry.spot_sale",
  "spot purchase": "entry.spot_purchase",
  auction: "entry.auction",
  "auction bid": "entry.auction_bid",
  outbid: "entry.outbid",
  "nobody bid": "entry.nobody_bid",
  "auction ended": "entry.auction_ended",
  "bought below the limit": "entry.below_limit",
  "order cancelled": "entry.cancelled",
  "order expired": "entry.expired",
  "ahead purchase": "entry.ahead_purchase",
  "ahead sale": "entry.ahead_sale",
  "the gate has closed": "entry.gate_closed",
  contracts: "entry.contracts",
  "auction cancelled": "entry.auction_cancelled",
  "nothing was sold": "entry.nothing_sold",
  "the reserve price was not met": "entry.reserve_not_met",
};

const dayOf = (name: string): string => day(Date.parse(`${name}T12:00Z`) / 1000, currentLanguage());
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The one household that an entry is about, if it is one. */
function householdOf(entry: Entry): string | undefined {
  const found = new Set(entry.postings.map((posting) => HOUSEHOLD.exec(posting.account)?.[0]).filter((one) => one !== undefined));
  if (found.size === 0) return HOUSEHOLD.exec(entry.external_id)?.[0];
  return found.size === 1 ? [...found][0] : undefined;
}

/** `others` gives the entries around it: what a payout was ordered by says whose it is. */
export function entryTitle(entry: Entry, others: () => readonly Entry[], nameOf: (household: string) => string): string {
  const trade = TRADE.exec(entry.text);
  if (trade) {
    const [, wh = "0", seller = "", buyer = ""] = trade;
    const names = (households: string): string => households.split(", ").map(nameOf).join(", ");
    return say("entry.trade", { quantity: energy(Number(wh)), seller: names(seller), buyer: names(buyer) });
  }
  if (entry.source === "fund" || entry.source === "reward") return say(`entry.${entry.source}`, { day: dayOf(entry.external_id) });
  const payout = PAYOUT_DONE.exec(entry.text);
  let what: string;
  let household = householdOf(entry);
  if (payout) {
    const [, id = "", end = "", reason] = payout;
    const ordered = others().find((other) => other.source === "payout" && other.external_id === id);
    household ??= HOUSEHOLD.exec(id)?.[0] ?? (ordered && householdOf(ordered));
    what = end === "arrived" ? say("entry.payout_arrived") : say("entry.payout_failed", { reason: reason ?? "" });
  } else if (entry.source === "payout") {
    const total = entry.postings.find((posting) => posting.account === "payout_pending")?.amount ?? 0;
    what = say("entry.payout", { total: kes(total) });
  } else {
    const word = WORDS[entry.text];
    what = word ? say(word) : capitalised(entry.text);
  }
  return household === undefined ? what : say("entry.of", { what, name: nameOf(household) });
}

/** Periods are named by their beginning in UTC, which nobody here lives by. */
export const inLocalTime = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\dZ/g, (period) => `${day(periodStart(period), currentLanguage())} ${clock(periodStart(period))}`);
