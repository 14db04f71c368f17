// Both languages cover the same words and fill the same blanks; amounts read as people write them.
import { expect, test } from "vitest";
import { amount, energy, kes, power, Times } from "../src/format.js";
import { languageOf, speaker } from "../src/language.js";
import { en } from "../src/words/en.js";
import { sw } from "../src/words/sw.js";

const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)[|}]/g)].map((match) => match[1] ?? ""))].sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same blanks in Swahili", (word) => {
  expect(blanks(sw[word])).toEqual(blanks(en[word]));
});

test("words are filled in, counted, and fall back to English", () => {
  expect(speaker("en")("periods", { count: 1 })).toBe("1 period");
  expect(speaker("de")("periods", { count: 7 })).toBe("7 periods");
  expect(speaker("sw-KE")("top_up")).toBe(sw.top_up);
});

test("amounts carry their unit and a true minus", () => {
  expect([kes(1234.5), amount(-3, true), amount(3, true)]).toEqual(["KES 1,234.50", "−3.00", "+3.00"]);
  expect([energy(0.412), energy(3.25), energy(12.44), energy(-1.5)]).toEqual(["412 Wh", "3.25 kWh", "12.4 kWh", "−1.50 kWh"]);
  expect([power(420), power(1850)]).toEqual(["420 W", "1.85 kW"]);
});

test("times are those of the home, not of the browser", () => {
  const times = new Times("en", "Africa/Nairobi");
  expect([times.clock(1_795_172_400), times.hour(1_795_172_400)]).toEqual(["14:00", 14]);
});

test("a browser that asks for Swahili gets it where Home Assistant speaks English", () => {
  expect([languageOf("en-GB", "sw-KE"), languageOf("de", "sw"), languageOf("en", "en-KE"), languageOf("sw", "en")]).toEqual(["sw", "de", "en", "sw"]);
});
