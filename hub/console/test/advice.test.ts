// Advice reads in sentences of the chosen language, and says nothing when there is too little to say it from.
import { afterEach, expect, test } from "vitest";
import type { Advice } from "../src/api.js";
import { balancingSentences, outlookSentences } from "../src/parts/advice.js";

const language = { lang: "en" };
globalThis.document = { documentElement: language } as unknown as Document;
afterEach(() => {
  language.lang = "en";
});

const balancing: Advice["balancing"] = {
  days: 7,
  needed: 3,
  surplus: { from: 9, until: 14, wh: 3200 },
  shortage: { from: 21, until: 24, wh: 5100 },
  mix: { neighbours: 800, battery: 2880, grid: 2220 },
  worth: 2150,
};

test("a surplus and a shortage are told with their hours, what to do, and a price", () => {
  expect(balancingSentences(balancing)).toEqual([
    "Between 09:00 and 14:00 the neighbourhood has 3.20 kWh more than it needs on an average day: run pumps, laundry and charging then.",
    "Between 21:00 and 24:00 it lacks 5.10 kWh: a battery that gives 2.88 kWh, or energy saved, would be bought at about KES 21.50 per kWh.",
  ]);
  language.lang = "sw";
  expect(balancingSentences(balancing)[0]).toBe(
    "Kati ya 09:00 na 14:00 mtaa una ziada ya 3.20 kWh kwa siku ya kawaida: endesha pampu, ufuaji na kuchaji wakati huo.",
  );
});

test("a battery that would not pay is not mentioned", () => {
  expect(balancingSentences({ ...balancing, surplus: null, mix: { grid: 5100 } })).toEqual([
    "Between 21:00 and 24:00 it lacks 5.10 kWh: energy that is saved would be bought at about KES 21.50 per kWh.",
  ]);
});

test("with too little data there is only that", () => {
  expect(balancingSentences({ ...balancing, days: 2 })).toEqual(["Too little has been measured to advise: 2 of the 3 days that are needed."]);
  expect(balancingSentences({ ...balancing, surplus: null, shortage: null })).toEqual([
    "What the neighbourhood gives and what it needs are about the same at all hours.",
  ]);
});

test("the outlook says what a kWh is worth, when it is dear, and how much there was to give", () => {
  const byHour = Array.from({ length: 24 }, (_, hour) => (hour === 20 ? 2100 : hour === 12 ? 1250 : null));
  expect(outlookSentences({ worth_now: 1830, by_hour: byHour, dearest_hour: 20, cheapest_hour: 12, given_percent: 140 })).toEqual([
    "A kWh that is saved or given now is worth about KES 18.30.",
    "On a usual day a kWh is dearest about 20:00, at KES 21.00, and cheapest about 12:00, at KES 12.50.",
    "For each kWh that neighbours lacked in the last week, others had 1.40 kWh to give.",
  ]);
  expect(outlookSentences({ worth_now: null, by_hour: [], dearest_hour: null, cheapest_hour: null, given_percent: null })).toEqual([]);
});
