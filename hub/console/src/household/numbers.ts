// Numbers as people type them: prices and energy with a point or a comma, phone numbers in all their spellings; and the hub's figures as they read them.
import { clock, day, kes } from "../format.js";
import { currentLanguage } from "../language-choice.js";


/** Whole thousandths of what was typed, or null: "1.5" and "1,5" are 1500. */
function thousandths(text: string): number | null {
  const match = /^\s*(\d{1,6})(?:[.,](\d{0,3}))?\s*$/.exec(text);
  return match === null ? null : Number(match[1]) * 1000 + Number((match[2] ?? "").padEnd(3, "0"));
}

/** A price typed in KES per kWh as cents, "off" when nothing is typed, null when it is none. */
export function typedPrice(text: string): number | "off" | null {
  if (text.trim() === "") return "off";
  const typed = thousandths(text);
  if (typed === null || typed % 10 !== 0) return null;
  const cents = typed / 10;
  return cents >= 1 && cents <= 100_000 ? cents : null;
}

/** An energy typed in kWh as Wh, as orders take it, or null. */
export function typedEnergy(text: string): number | null {
  const wh = thousandths(text);
  return wh !== null && wh >= 100 && wh <= 10_000_000 ? wh : null;
}

/** Whole shillings, or null. */
export function typedShillings(text: string): number | null {
  const match = /^\s*(\d{1,3}(?:,\d{3})*|\d{1,6})\s*$/.exec(text);
  const kes = match === null ? 0 : Number(match[1]?.replaceAll(",", ""));
  return kes >= 1 && kes <= 250_000 ? kes : null;
}

/** 254712345678, from 0712 345 678, +254 712-345-678 or 712345678; null when it is no Kenyan mobile number. */
export function typedPhone(text: string): string | null {
  const match = /^(?:\+?254|0)?([17]\d{8})$/.exec(text.replaceAll(/[\s()-]/g, ""));
  return match === null ? null : `254${match[1] ?? ""}`;
}

/** The price as it is typed: 1250 cents are "12.50". */
export const priceText = (cents: number): string => (cents / 100).toFixed(2);

/** A household's number as people write it: H-7, h007 and 7 are h-007; null when it is none. */
export function typedHousehold(text: string): string | null {
  const match = /^\s*(?:h\s*-?\s*)?(\d{1,6})\s*$/i.exec(text);
  return match === null ? null : `h-${String(Number(match[1])).padStart(3, "0")}`;
}

/** The figures of a refusal under their names without the unit, exactly: {have_wh: 420} is {have: "0.42 kWh"}; times with their day. */
export function asAmounts(numbers: Record<string, number>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => {
      const [, what, unit] = /^(?:(\w+)_)?(wh|cents|kes|time)$/.exec(name) ?? [];
      if (unit === undefined) return [name, String(value)];
      if (unit === "time") return [what ?? unit, `${day(value, currentLanguage())} ${clock(value)}`];
      return [what ?? unit, unit === "wh" ? `${value / 1000} kWh` : kes(unit === "kes" ? value * 100 : value)];
    }),
  );
}
