// Money, energy and times read the way people expect.
import { expect, test } from "vitest";
import { amount, energy, exactEnergy, kes, moment, percent, periodSpan, power, shortKey, sol } from "../src/format.js";

test("money has two decimals and a true minus sign", () => {
  expect(kes(123_450)).toBe("KES 1,234.50");
  expect(kes(-390, true)).toBe("−KES 3.90");
  expect(amount(5, true)).toBe("+0.05");
});

test("energy gets fewer digits as it grows", () => {
  expect(energy(854)).toBe("0.85 kWh");
  expect(energy(12_440)).toBe("12.4 kWh");
  expect(energy(340_400)).toBe("340 kWh");
  expect(energy(12_300_000)).toBe("12.3 MWh");
});

test("token amounts keep every watt-hour", () => {
  expect(exactEnergy(-1)).toBe("−0.001");
  expect(exactEnergy(1_059_580)).toBe("1,059.580");
});

test("power switches to kilowatts at a thousand", () => {
  expect(power(999)).toBe("999 W");
  expect(power(-1250)).toBe("−1.25 kW");
});

test("basis points are whole percent", () => {
  expect(percent(8696)).toBe("87 %");
  expect(percent(10_000)).toBe("100 %");
});

test("a period is shown in Nairobi time", () => {
  expect(periodSpan("2026-11-20T11:00Z", 30)).toBe("14:00–14:30");
  expect(periodSpan("2026-11-20T20:45Z", 15)).toBe("23:45–00:00");
});

test("a moment of another day names the day in Nairobi, not in UTC", () => {
  const now = Date.parse("2026-11-20T21:30Z") / 1000;
  expect(moment(Date.parse("2026-11-20T21:05Z") / 1000, now)).toBe("00:05");
  expect(moment(Date.parse("2026-11-20T20:55Z") / 1000, now)).toBe("20 Nov 23:55");
});

test("long keys keep both ends, fees are in SOL", () => {
  expect(shortKey("So11111111111111111111111111111111111111112")).toBe("So111…1112");
  expect(sol(15_000)).toBe("0.000015 SOL");
});
