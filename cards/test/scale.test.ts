// Charts: axes name round numbers that cover the values, lines break at gaps, bands close.
import { expect, test } from "vitest";
import { band, hours, line, ticks } from "../src/scale.js";

const same = (value: number): number => value;

test.each([
  [[0, 17.35], [0, 10, 20]],
  [[-1200, 2600], [-2000, 0, 2000, 4000]],
  [[0.2, 0.9], [0, 0.5, 1]],
  [[], [0, 0.5]],
  [[5, 5], [0, 2, 4, 6]],
])("the axis of %j names %j", (values, named) => {
  expect(ticks(values)).toEqual(named);
});

test("every value lies between the first and the last tick", () => {
  for (let exponent = -3; exponent < 7; exponent += 1) {
    for (const factor of [1, 1.7, 3.3, 9.99]) {
      const value = factor * 10 ** exponent;
      const named = ticks([-value / 3, value]);
      expect(named[0]).toBeLessThanOrEqual(-value / 3);
      expect(named.at(-1)).toBeGreaterThanOrEqual(value);
      expect(named.length).toBeLessThanOrEqual(7);
    }
  }
});

test("a line breaks where a value is missing and holds where it is told to", () => {
  const points = [
    { at: 0, mid: 1 },
    { at: 10, mid: null },
    { at: 20, mid: 3 },
    { at: 30, mid: 4 },
  ];
  expect(line(points, same, same)).toBe("M0 1M20 3L30 4");
  expect(line(points.slice(2), same, same, 10)).toBe("M20 3L30 3L30 4L40 4");
  const longer = points.slice(2).map((point, number) => (number === 0 ? point : { ...point, hold: 20 }));
  expect(line(longer, same, same, 10)).toBe("M20 3L30 3L30 4L50 4");
});

test("a band goes up the high side and back down the low one", () => {
  expect(
    band(
      [
        { at: 0, mid: 2, low: 1, high: 3 },
        { at: 10, mid: 2, low: 0, high: 5 },
      ],
      same,
      same,
    ),
  ).toBe("M0 3L10 5L10 0L0 1Z");
  expect(band([{ at: 0, mid: 2 }], same, same)).toBe("");
});

test("hours are those of the home's own day", () => {
  const nairobi = (unix: number): number => ((unix / 3600) % 24) + 3;
  const named = hours({ from: 0, to: 86_400 }, (unix) => nairobi(unix) % 24, 600);
  expect(named.map((at) => nairobi(at) % 24)).toEqual([6, 12, 18, 0]);
  expect(hours({ from: 0, to: 2 * 86_400 }, (unix) => nairobi(unix) % 24, 300)).toHaveLength(4);
});
