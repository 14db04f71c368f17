// Ledger entries read as sentences about a household, whatever the hub calls them.
import { expect, test } from "vitest";
import type { Entry } from "../src/api.js";
import { entryTitle } from "../src/parts/entry-title.js";

const nameOf = (household: string): string => ({ "h-001": "Amina's house", "h-003": "Chebet" })[household] ?? household;
const entry = (source: string, text: string, accounts: Record<string, number>, external_id = "x"): Entry => ({
  id: 1,
  at: 0,
  source,
  external_id,
  text,
  postings: Object.entries(accounts).map(([account, amount]) => ({ account, amount, currency: account.includes("ekwh") ? "eKWh" : "KES" })),
});
const title = (one: Entry, others: Entry[] = []): string => entryTitle(one, () => others, nameOf);

globalThis.document = { documentElement: { lang: "en" } } as unknown as Document;

test("a household's entry names it", () => {
  expect(title(entry("mpesa", "top-up", { "h-001:kes": 500, trust_cash: -500 }))).toBe("Top-up, Amina's house");
  expect(title(entry("hold", "spot sale", { "h-001:ekwh": -5, "h-001:ekwh_held": 5 }))).toBe("Held for a spot sale, Amina's house");
  expect(title(entry("correction", "agreed by phone", { "h-001:kes": -5, "h-003:kes": 5 }))).toBe("Agreed by phone");
});

test("a trade names both sides", () => {
  expect(title(entry("spot", "spot: 400 Wh from h-001 to h-003", { "h-001:kes": 5, "h-003:kes_held": -5 }))).toBe("Amina's house sold 0.40 kWh to Chebet");
  expect(title(entry("spot", "spot: 900 Wh from h-001, h-002 to h-003", { "h-001:kes": 5, "h-002:kes": 5, "h-003:kes": -10 }))).toBe("Amina's house, h-002 sold 0.90 kWh to Chebet");
});

test("a payout is its household's from order to end", () => {
  const ordered = entry("payout", "payout of KES 810", { "h-003:kes": -81_500, payout_pending: 81_500 }, "0198-abcd");
  expect(title(ordered)).toBe("Payout of KES 815.00 with its fee, Chebet");
  expect(title(entry("mpesa", "payout 0198-abcd arrived", { payout_pending: -5, trust_cash: 5 }), [ordered])).toBe("Payout arrived, Chebet");
  expect(title(entry("mpesa", "payout 2026-11-20/h-001 arrived", { payout_pending: -5, trust_cash: 5 }))).toBe("Payout arrived, Amina's house");
  expect(title(entry("payout_failed", "payout 7 failed: no phone", { payout_pending: -5, "h-001:kes": 5 }))).toBe("Payout failed: no phone, Amina's house");
});

test("the fund and rewards name their day", () => {
  expect(title(entry("fund", "fund of 2026-11-20", { fees: -60, fund: 60 }, "2026-11-20"))).toBe("The fund's share of the fees of 20 Nov");
  expect(title(entry("reward", "grid rewards of 2026-11-20", { "h-001:kes": 60, fund: -60 }, "2026-11-20"))).toBe("Grid rewards for 20 Nov");
});

test("an entry about nobody is capitalised as it is", () => {
  expect(title(entry("fees", "grid bill of November", { grid: -5, trust_cash: 5 }))).toBe("Grid bill of November");
});
