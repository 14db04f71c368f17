// What a statement's lines say is told in the reader's language, with the hub's figures.
/// <reference types="vite/client" />
import { afterEach, expect, test, vi } from "vitest";
import source from "../../energy_swap_hub/settlement/statement_words.py?raw";
import type { Phrase, StatementLine } from "../src/household/answers.js";
import { sayLine } from "../src/household/statement-lines.js";
import { enLines } from "../src/household/words/lines.en.js";
import { swLines } from "../src/household/words/lines.sw.js";

const NOON = Date.UTC(2026, 10, 20, 9) / 1000;
const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""))].sort();
const speak = (lang: "en" | "sw"): void => {
  vi.stubGlobal("document", { documentElement: { lang } });
};
afterEach(() => {
  vi.unstubAllGlobals();
});

const lineOf = (...says: [string, Phrase["figures"]][]): StatementLine => ({
  entry: 1,
  booked_at: NOON,
  kind: "period",
  text: "in English",
  says: says.map(([key, figures]) => ({ key, figures })),
  change: { kes_cents: 0, kes_held_cents: 0, ekwh_wh: 0, ekwh_held_wh: 0 },
});

/** The hub's own words by their keys, as its source has them. */
function ofTheHub(): Map<string, string> {
  const part = (name: string): string => new RegExp(`^${name}: Final = \\{(.*?)^\\}`, "ms").exec(source)?.[1] ?? "";
  const found = new Map<string, string>();
  for (const [, key = "", text = ""] of part("_ENGLISH").matchAll(/^ +"(\w+)": "(.*)",$/gm)) found.set(key, text);
  for (const [, key = ""] of part("HELD_FOR").matchAll(/\("(\w+)",/g)) found.set(key, "{amount}");
  for (const [, key = ""] of part("FREED").matchAll(/: "(\w+)"/g)) found.set(key, "({note}): {amount}");
  return found.set("freed", "({note}): {amount}");
}

test("every key of the hub has its words, with no figure that the hub does not give", () => {
  const known = ofTheHub();
  expect(known.size).toBeGreaterThan(45);
  const lines = Object.keys(enLines).filter((word) => word.startsWith("line."));
  expect(lines.sort()).toEqual([...known.keys()].map((key) => `line.${key}`).sort());
  for (const [key, text] of known) {
    const word = `line.${key}` as keyof typeof enLines;
    expect(blanks(text), key).toEqual(expect.arrayContaining(blanks(enLines[word])));
    expect(blanks(swLines[word]), key).toEqual(blanks(enLines[word]));
  }
});

test("a period's line names each part with its figures", () => {
  const line = lineOf(
    ["period", { start_at: NOON }],
    ["sold", { wh: 800, cents: 800, low_price: 1_000, high_price: 1_000 }],
    ["partners", { wh: 300 }],
    ["kept", { wh: 2_200 }],
  );
  speak("en");
  expect(sayLine(line, NOON)).toBe("Period of 12:00: sold 0.80 kWh at KES 10.00 per kWh for KES 8.00; 0.30 kWh of it with partners; kept 2.20 kWh");
  speak("sw");
  expect(sayLine(line, NOON)).toBe("Kipindi cha 12:00: umeuza 0.80 kWh kwa KES 10.00 kwa kWh kwa KES 8.00; 0.30 kWh kati yake na washirika; umebaki na 2.20 kWh");
});

test("what is kept for an order is told with what it is: money, energy, or both", () => {
  speak("sw");
  expect(sayLine(lineOf(["held_bid", { note: "auction bid", cents: 5_000, wh: 0 }]), NOON)).toBe("KES 50.00 zimewekwa kwa dau");
  expect(sayLine(lineOf(["freed_expired", { note: "order expired", cents: 0, wh: 500 }]), NOON)).toBe("0.50 kWh ziko huru tena: muda wa agizo ulipita");
  expect(sayLine(lineOf(["spot_bought", { wh: 500, cents: 550, low_price: 900, high_price: 950 }]), NOON)).toBe(
    "Umenunua 0.50 kWh kwa KES 9.00 hadi KES 9.50 kwa kWh, KES 5.50 pamoja na ada",
  );
  expect(sayLine(lineOf(["payout_failed", { cents: 5_000, reason: "The request was cancelled on the phone." }]), NOON)).toContain("Ombi lilikataliwa kwenye simu.");
});

test("what has no words here, or not all of its figures, is told as the hub says it", () => {
  speak("sw");
  expect(sayLine(lineOf(["period", { start_at: NOON }], ["of_a_hub_to_come", {}]), NOON)).toBe("in English");
  expect(sayLine(lineOf(["top_up", { cents: 1 }]), NOON)).toBe("in English");
  expect(sayLine(lineOf(), NOON)).toBe("in English");
  const kept = lineOf();
  delete kept.says; // read before the hub gave keys, and kept on the phone
  expect(sayLine(kept, NOON)).toBe("in English");
});
