// Both languages fill the same blanks, addresses lead back to where they came from, and evidence reads by its unit.
import { expect, test } from "vitest";
import { evidenceText } from "../src/parts/evidence.js";
import { readRoute, writeRoute } from "../src/route.js";
import { en } from "../src/words/en.js";
import { sw } from "../src/words/sw.js";

const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)[|}]/g)].map((match) => match[1] ?? ""))].sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same blanks in Swahili", (word) => {
  expect(blanks(sw[word])).toEqual(blanks(en[word]));
});

test("a period's address survives its colon", () => {
  const path = writeRoute("market", "2026-11-20T11:30Z");
  expect(readRoute(path)).toEqual({ page: "market", detail: "2026-11-20T11:30Z" });
  expect(readRoute("/")).toEqual({ page: "live", detail: null });
  expect(readRoute("/nowhere/at/all")).toEqual({ page: "live", detail: null });
});

test("evidence is worded by the unit in its name", () => {
  expect(evidenceText("amount_cents", 50_000)).toBe("KES 500.00");
  expect(evidenceText("delta_export_wh", 9420)).toBe("9.42 kWh");
  expect(evidenceText("last_answer", null)).toBe("–");
  expect(evidenceText("candidates", ["h-001", "h-017"])).toBe("h-001, h-017");
});
