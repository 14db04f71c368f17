// Curves and the day's chart are built from what the hub answers, whatever its order.
import { expect, test } from "vitest";
import type { Period, PeriodOrder } from "../src/api.js";
import { demandSteps, roundStep, stepPath, supplySteps } from "../src/parts/curves.js";
import { chartColumns, midnight } from "../src/parts/day.js";

const orders: PeriodOrder[] = [
  { household: "h-2", side: "sell", wh: 300, limit: 1500 },
  { household: "h-1", side: "sell", wh: 200, limit: 1200 },
  { household: "h-3", side: "buy", wh: 400, limit: 1400 },
  { household: "h-4", side: "buy", wh: 100, limit: 2000 },
];

test("supply rises from the cheapest offer, demand falls from the dearest wish", () => {
  expect(supplySteps(orders).map((step) => [step.household, step.fromWh, step.toWh])).toEqual([
    ["h-1", 0, 200],
    ["h-2", 200, 500],
  ]);
  expect(demandSteps(orders).map((step) => [step.household, step.fromWh, step.toWh])).toEqual([
    ["h-4", 0, 100],
    ["h-3", 100, 500],
  ]);
});

test("a step curve goes across, then up", () => {
  const same = (value: number): number => value;
  expect(stepPath(supplySteps(orders), same, same)).toBe("M0.0 1200.0H200.0V1500.0H500.0");
  expect(stepPath([], same, same)).toBe("");
});

test("axis steps are round numbers", () => {
  expect(roundStep(5140, 6)).toBe(1000);
  expect(roundStep(3120, 4)).toBe(1000);
  expect(roundStep(0.9, 3)).toBeCloseTo(0.5);
});

const period = (name: string, cents: number | null, isSettled = true): Period => ({
  period: name,
  minutes: 30,
  state: isSettled ? "settled" : "open",
  cents_per_kwh: cents,
  supply_wh: 0,
  demand_wh: 0,
  traded_wh: 1500,
  settled_at: isSettled ? 1 : null,
});

test("the day's chart starts at midnight in Nairobi, ascends, and leaves gaps where nothing was traded", () => {
  const now = Date.parse("2026-11-20T11:38Z") / 1000;
  expect(midnight(now)).toBe(Date.parse("2026-11-19T21:00Z") / 1000);
  const newestFirst = [
    period("2026-11-20T11:30Z", null, false),
    period("2026-11-20T11:00Z", 1500),
    period("2026-11-19T21:00Z", null),
    period("2026-11-19T20:30Z", 1700),
  ];
  const [starts, volumes, prices] = chartColumns(newestFirst, now);
  expect(starts).toEqual(["2026-11-19T21:00Z", "2026-11-20T11:00Z", "2026-11-20T11:30Z"].map((name) => Date.parse(name) / 1000));
  expect(volumes).toEqual([1.5, 1.5, null]);
  expect(prices).toEqual([null, 15, null]);
});
