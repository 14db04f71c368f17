// The market day in Nairobi: where it begins, and its periods as columns for a chart.
import type { Period } from "../api.js";
import { periodStart } from "../format.js";

export const DAY = 86_400;
const NAIROBI_OFFSET = 3 * 3600;

/** Midnight in Nairobi (which keeps UTC+3 all year) before a moment. */
export const midnight = (unix: number): number => Math.floor((unix + NAIROBI_OFFSET) / DAY) * DAY - NAIROBI_OFFSET;

/** The day's periods as columns for the chart, oldest first: uPlot needs ascending x. */
export function chartColumns(periods: readonly Period[], now: number): [number[], (number | null)[], (number | null)[]] {
  const from = midnight(now);
  const ofToday = periods
    .map((period) => ({ start: periodStart(period.period), period }))
    .filter(({ start }) => start >= from && start < from + DAY)
    .sort((a, b) => a.start - b.start);
  return [
    ofToday.map(({ start }) => start),
    ofToday.map(({ period }) => (period.state === "open" ? null : period.traded_wh / 1000)),
    ofToday.map(({ period }) => (period.cents_per_kwh === null ? null : period.cents_per_kwh / 100)),
  ];
}
