// Times on an axis: hours by the clock, and a day's name where it begins, in the home's own time and language.
import { expect, test } from "vitest";
import { Times } from "../src/format.js";

const MIDNIGHT = Date.parse("2026-11-19T21:00Z") / 1000; // of Friday 20 November in Nairobi

test("an axis names the day where it begins", () => {
  const times = new Times("en", "Africa/Nairobi");
  expect([0, 6, 12, 24].map((hours) => times.tick(MIDNIGHT + hours * 3600))).toEqual(["Fri", "06:00", "12:00", "Sat"]);
  expect(new Times("sw", "Africa/Nairobi").tick(MIDNIGHT)).toBe("Ijumaa");
  expect(new Times("en", "UTC").tick(MIDNIGHT)).toBe("21:00");
});
