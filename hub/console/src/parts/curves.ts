// Supply and demand as step curves and the point where they meet: plain functions, no drawing.
import type { PeriodOrder } from "../api.js";

export interface Step {
  fromWh: number;
  toWh: number;
  cents_per_kwh: number;
  household: string;
}

/** Offers from the cheapest up. */
export function supplySteps(orders: readonly PeriodOrder[]): Step[] {
  return steps(orders.filter((order) => order.side === "sell").sort((a, b) => a.limit - b.limit || compare(a.household, b.household)));
}

/** Wishes from the dearest down. */
export function demandSteps(orders: readonly PeriodOrder[]): Step[] {
  return steps(orders.filter((order) => order.side === "buy").sort((a, b) => b.limit - a.limit || compare(a.household, b.household)));
}

function steps(orders: readonly PeriodOrder[]): Step[] {
  let at = 0;
  return orders.map(({ household, wh, limit }) => {
    const step = { fromWh: at, toWh: at + wh, cents_per_kwh: limit, household };
    at += wh;
    return step;
  });
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** The corners of a step curve, given how Wh and cents become x and y. */
export function stepPath(row: readonly Step[], x: (wh: number) => number, y: (cents: number) => number): string {
  return row
    .map(({ fromWh, toWh, cents_per_kwh }, index) => {
      const [left, right, level] = [x(fromWh).toFixed(1), x(toWh).toFixed(1), y(cents_per_kwh).toFixed(1)];
      return index === 0 ? `M${left} ${level}H${right}` : `V${level}H${right}`;
    })
    .join("");
}

/** A round step for an axis that shows about `wanted` marks up to `most`. */
export function roundStep(most: number, wanted: number): number {
  const rough = Math.max(most, 1e-9) / wanted;
  const scale = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * scale >= rough) ?? 10) * scale;
}
