// The app's two languages fill the same blanks, and numbers are understood as people type them.
import { expect, test } from "vitest";
import { priceText, typedEnergy, typedHousehold, typedPhone, typedPrice, typedShillings } from "../src/household/numbers.js";
import { en } from "../src/household/words/en.js";
import { sw } from "../src/household/words/sw.js";

const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)[|}]/g)].map((match) => match[1] ?? ""))].sort();

test.each(Object.keys(en) as (keyof typeof en)[])("%s has the same blanks in Swahili", (word) => {
  expect(blanks(sw[word])).toEqual(blanks(en[word]));
});

test("phone numbers are known in all their spellings", () => {
  for (const text of ["0712345678", "+254 712 345 678", "254712345678", "712-345-678"]) expect(typedPhone(text)).toBe("254712345678");
  expect(typedPhone("0112345678")).toBe("254112345678");
  for (const text of ["", "071234567", "0812345678", "07123456789", "abc"]) expect(typedPhone(text)).toBeNull();
});

test("prices are whole cents, typed with a point or a comma", () => {
  expect(typedPrice("12.5")).toBe(1250);
  expect(typedPrice("12,50")).toBe(1250);
  expect(typedPrice(" ")).toBe("off");
  for (const text of ["0", "12.505", "-3", "1e3", "1000.01", "twelve"]) expect(typedPrice(text)).toBeNull();
  expect(priceText(1250)).toBe("12.50");
});

test("energy is Wh from 0.1 kWh on, money whole shillings", () => {
  expect(typedEnergy("1,5")).toBe(1500);
  expect(typedEnergy("0.05")).toBeNull();
  expect(typedEnergy("10001")).toBeNull();
  expect(typedShillings("1,500")).toBe(1500);
  for (const text of ["0", "1.50", "250001", ""]) expect(typedShillings(text)).toBeNull();
});

test("a household's number is known in all its spellings", () => {
  for (const text of ["h-007", "H-7", "h007", " 7 ", "h 7"]) expect(typedHousehold(text)).toBe("h-007");
  expect(typedHousehold("1234")).toBe("h-1234");
  for (const text of ["", "h-", "7a", "seven", "h-7-7"]) expect(typedHousehold(text)).toBeNull();
});
