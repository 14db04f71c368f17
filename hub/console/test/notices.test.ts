// What the service worker shows: every event in both languages, with the same blanks, and the page behind it.
/// <reference types="vite/client" />
import { expect, test } from "vitest";
import script from "../public/app/notices.js?raw";

type Words = Record<string, [string, string]>;
interface Worker {
  noticeOf: (told: Record<string, unknown>, language: string) => { title: string; body: string; page: string; tag: string; isQuiet: boolean };
  noticeWords: { en: Words; sw: Words };
}

// It runs as a script in the worker, which takes no modules in every browser.
const self = {} as Worker;
// eslint-disable-next-line @typescript-eslint/no-implied-eval
(new Function("self", script) as (self: Worker) => void)(self);

const blanks = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();

test("both languages say the same", () => {
  expect(Object.keys(self.noticeWords.sw)).toEqual(Object.keys(self.noticeWords.en));
  for (const [word, texts] of Object.entries(self.noticeWords.en)) expect(blanks(self.noticeWords.sw[word]?.[1] ?? "")).toEqual(blanks(texts[1]));
});

test.each([
  [{ event: "topped_up", tag: "n4", cents: 20_000 }, "en", "Money arrived", "KES 200.00 is in your wallet.", "money"],
  [{ event: "topped_up", tag: "n4", cents: 20_000 }, "sw", "Pesa imefika", "KES 200.00 iko kwenye pochi yako.", "money"],
  [{ event: "period_settled", tag: "period", sold_wh: 1250, bought_wh: 0, earned_cents: 1500, paid_cents: 0 }, "en", "Sold to neighbours", "1.25 kWh for KES 15.00.", "trade"],
  [{ event: "contract_made", tag: "n5", side: "buy", wh: 500, cents_per_kwh: 1200 }, "en", "Bought ahead", "0.50 kWh at KES 12.00 per kWh.", "trade"],
  [{ event: "auction_ended", tag: "n6", wh: 500, cents_per_kwh: null }, "en", "The auction is over", "Nothing was sold.", "trade"],
  [{ event: "meter_silent", tag: "n7" }, "fr", "Your meter is silent", "No reading has come. What it counts meanwhile is not lost.", "home"],
  [{ event: "of a hub to come", tag: "n8" }, "en", "Energy Swap", "There is news in the app.", "home"],
])("%o in %s", (told, language, title, body, page) => {
  expect(self.noticeOf(told, language)).toEqual({ title, body, page, tag: told.tag, isQuiet: told.tag === "period" });
});
