// The arithmetic of charts: where a value lies, which round numbers the axis names, and lines as SVG paths.

/** A moment of a course; `low` and `high` bound where it lies 8 times of 10. A null `mid` leaves a gap. */
export interface Point {
  at: number;
  mid: number | null;
  low?: number;
  high?: number;
  /** Seconds for which it holds, where that is not the same for all of its course. */
  hold?: number | undefined;
}

export interface Scale {
  from: number;
  to: number;
}

/** Returns at most `most` round numbers that cover the values, always with zero among them. */
export function ticks(values: readonly number[], most = 4): number[] {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const rough = span / Math.max(1, most - 1);
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * decade).find((one) => one >= rough) ?? 10 * decade;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Returns where `value` lies between `from` and `to`, of `length` pixels. */
export const place = (value: number, { from, to }: Scale, length: number): number => ((value - from) / (to - from || 1)) * length;

/** Returns the moments at which the axis of time names an hour: every 6 hours of the home's day, or 12 when there is little room. */
export function hours(scale: Scale, hourOf: (unix: number) => number, width: number): number[] {
  const every = (width / (scale.to - scale.from)) * 6 * 3600 < 46 ? 12 : 6;
  const found: number[] = [];
  for (let at = Math.ceil(scale.from / 3600) * 3600; at <= scale.to; at += 3600) if (hourOf(at) % every === 0) found.push(at);
  return found;
}

/** Returns a line through the points, broken at gaps; each point holds for `hold` seconds when that is given. */
export function line(points: readonly Point[], x: (at: number) => number, y: (value: number) => number, hold = 0): string {
  const parts: string[] = [];
  let isDown = false;
  for (const { at, mid, hold: held = hold } of points) {
    if (mid === null) {
      isDown = false;
      continue;
    }
    parts.push(`${isDown ? "L" : "M"}${round(x(at))} ${round(y(mid))}`);
    if (held > 0) parts.push(`L${round(x(at + held))} ${round(y(mid))}`);
    isDown = true;
  }
  return parts.join("");
}

/** Returns the area between `low` and `high` of the points that have both. */
export function band(points: readonly Point[], x: (at: number) => number, y: (value: number) => number): string {
  const bounded = points.filter((point): point is Required<Omit<Point, "hold">> => point.low !== undefined && point.high !== undefined);
  if (bounded.length < 2) return "";
  const up = bounded.map((point) => `${round(x(point.at))} ${round(y(point.high))}`);
  const down = bounded.toReversed().map((point) => `${round(x(point.at))} ${round(y(point.low))}`);
  return `M${[...up, ...down].join("L")}Z`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
