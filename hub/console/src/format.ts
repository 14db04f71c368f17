// Money, energy, power and time as people read them; all times are in Africa/Nairobi.

const ZONE = "Africa/Nairobi";
const MINUS = "−";

const two = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const three = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const one = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en-KE", { maximumFractionDigits: 0 });

const signOf = (value: number, isSignShown: boolean): string => (value < 0 ? MINUS : isSignShown && value > 0 ? "+" : "");

/** "1,234.50": cents without the currency, for columns that name it. */
export function amount(cents: number, isSignShown = false): string {
  return signOf(cents, isSignShown) + two.format(Math.abs(cents) / 100);
}

/** "KES 1,234.50". */
export function kes(cents: number, isSignShown = false): string {
  return `${signOf(cents, isSignShown)}KES ${two.format(Math.abs(cents) / 100)}`;
}

/** The number and unit of an energy, with as many digits as help: 0.85 kWh, 12.4 kWh, 340 kWh, 12.3 MWh. */
export function energyParts(wh: number, isSignShown = false): [string, string] {
  const size = Math.abs(wh);
  const sign = signOf(wh, isSignShown);
  if (size >= 10_000_000) return [sign + one.format(size / 1_000_000), "MWh"];
  const digits = size >= 100_000 ? whole : size >= 10_000 ? one : two;
  return [sign + digits.format(size / 1000), "kWh"];
}

export const energy = (wh: number, isSignShown = false): string => energyParts(wh, isSignShown).join(" ");

/** Every watt-hour, as tokens and the ledger count them: 12.345. */
export function exactEnergy(wh: number, isSignShown = false): string {
  return signOf(wh, isSignShown) + three.format(Math.abs(wh) / 1000);
}

/** "850 W", "1.25 kW". */
export function power(w: number, isSignShown = false): string {
  const size = Math.abs(w);
  const sign = signOf(w, isSignShown);
  if (size < 1000) return `${sign}${whole.format(size)} W`;
  return `${sign}${size < 10_000 ? two.format(size / 1000) : one.format(size / 1000)} kW`;
}

export const count = (value: number): string => whole.format(value);

/** Basis points as a percentage: 8696 is 87 %. */
export const percent = (basisPoints: number): string => `${whole.format(Math.round(basisPoints / 100))} %`;

const clockFormat = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
const secondsFormat = new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayKeyFormat = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });

const dayFormats: Record<string, Intl.DateTimeFormat> = {
  en: new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, day: "numeric", month: "short" }),
  sw: new Intl.DateTimeFormat("sw-KE", { timeZone: ZONE, day: "numeric", month: "short" }),
};
const longDayFormats: Record<string, Intl.DateTimeFormat> = {
  en: new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, weekday: "long", day: "numeric", month: "long" }),
  sw: new Intl.DateTimeFormat("sw-KE", { timeZone: ZONE, weekday: "long", day: "numeric", month: "long" }),
};

/** "14:05" in Nairobi. */
export const clock = (unix: number): string => clockFormat.format(unix * 1000);

export const clockWithSeconds = (unix: number): string => secondsFormat.format(unix * 1000);

/** The day in Nairobi as "2026-11-20", to compare days. */
export const dayKey = (unix: number): string => dayKeyFormat.format(unix * 1000);

export const day = (unix: number, language = "en"): string => (dayFormats[language] ?? dayFormats.en)?.format(unix * 1000) ?? "";

export const longDay = (unix: number, language = "en"): string => (longDayFormats[language] ?? longDayFormats.en)?.format(unix * 1000) ?? "";

/** The time, with the day in front when it is not today's. */
export function moment(unix: number, now: number, language = "en"): string {
  return dayKey(unix) === dayKey(now) ? clock(unix) : `${day(unix, language)} ${clock(unix)}`;
}

/** The start of a period ("2026-11-20T11:30Z") in Unix seconds. */
export const periodStart = (period: string): number => Date.parse(period) / 1000;

/** How long the period that begins at `start` is, by the lengths that count from some time on, in order. */
export function minutesAt(lengths: readonly { from: number; minutes: number }[], start: number): number {
  return lengths.findLast(({ from }) => from <= start)?.minutes ?? 30;
}

/** "14:30–15:00" in Nairobi. */
export function periodSpan(period: string, minutes: number): string {
  const start = periodStart(period);
  return `${clock(start)}–${clock(start + minutes * 60)}`;
}

/** A whole hour of the day as "09:00", the last one as "24:00". */
export const hour = (value: number): string => `${String(value).padStart(2, "0")}:00`;

/** "4NdX…9sQe": enough of a key or signature to recognise it. */
export function shortKey(key: string): string {
  return key.length <= 12 ? key : `${key.slice(0, 5)}…${key.slice(-4)}`;
}

const lamportFormat = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 6, maximumFractionDigits: 9 });

/** A fee in SOL; one SOL is a thousand million lamports. */
export const sol = (lamports: number): string => `${lamportFormat.format(lamports / 1_000_000_000)} SOL`;
