// How amounts and times read; money first to two places, energy to what matters, times in the home's own zone.

const money = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const integer = new Intl.NumberFormat("en-KE", { maximumFractionDigits: 0 });
const two = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const one = new Intl.NumberFormat("en-KE", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** "KES 1,234.50". */
export const kes = (value: number): string => `KES ${money.format(value)}`;

/** "1,234.50", with a sign in front when it is asked for. */
export const amount = (value: number, isSigned = false): string => (isSigned && value > 0 ? "+" : "") + money.format(value).replace("-", "−");

/** "10,000". */
export const whole = (value: number): string => integer.format(value);

/** "3.25 kWh", "12.4 kWh", "412 Wh". */
export function energy(kwh: number): string {
  if (Math.abs(kwh) < 1) return `${integer.format(kwh * 1000)} Wh`.replace("-", "−");
  return `${(Math.abs(kwh) < 10 ? two : one).format(kwh)} kWh`.replace("-", "−");
}

/** "1.85 kW", "420 W". */
export function power(watts: number): string {
  return Math.abs(watts) < 1000 ? `${integer.format(watts)} W` : `${two.format(watts / 1000)} kW`;
}

export class Times {
  readonly #clock: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #weekday: Intl.DateTimeFormat;

  constructor(language: string, zone: string) {
    this.#clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
    this.#weekday = new Intl.DateTimeFormat(language === "sw" ? "sw" : "en-GB", { weekday: "short", timeZone: zone });
    this.#day = new Intl.DateTimeFormat(language === "sw" ? "sw" : "en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: zone });
  }

  /** "14:30". */
  clock(unix: number): string {
    return this.#clock.format(unix * 1000);
  }

  /** "Fri 20 Nov". */
  day(unix: number): string {
    return this.#day.format(unix * 1000);
  }

  /** What an axis writes at a full hour: "18:00", and where a day begins its name, "Fri". */
  tick(unix: number): string {
    return this.hour(unix) === 0 ? this.#weekday.format(unix * 1000) : this.clock(unix);
  }

  /** The hour of the day, 0 to 23. */
  hour(unix: number): number {
    return Number(this.clock(unix).slice(0, 2));
  }
}
