// What the hub refuses is said in both languages, with its figures; what has no words is said as the hub says it.
/// <reference types="vite/client" />
import { afterEach, expect, test, vi } from "vitest";
import listed from "../../../custom_components/energy_swap/translations/en.json?raw";
import codes from "../../energy_swap_hub/mpesa/codes.py?raw";
import { Refused } from "../src/household/hub.js";
import { explain, sayReason, sayReputation } from "../src/household/say.js";
import { en } from "../src/household/words/en.js";
import { swReasons } from "../src/household/words/reasons.sw.js";
import { enRefusals } from "../src/household/words/refusals.en.js";

const speak = (lang: "en" | "sw"): void => {
  vi.stubGlobal("document", { documentElement: { lang } });
};
afterEach(() => {
  vi.unstubAllGlobals();
});

const blanks = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""))].sort();

const sources = Object.values(import.meta.glob<string>("../../energy_swap_hub/**/*.py", { query: "?raw", import: "default", eager: true }));

// Home Assistant's words are held to the hub's and the edge's source by its own tests: it is the one list of all keys.
const exceptions = (JSON.parse(listed) as { exceptions: Record<string, { message: string }> }).exceptions;
const ofTheHub = Object.entries(exceptions)
  .map(([key, { message }]) => [key.replace(/^refused_/, ""), message, key] as const)
  .filter(([name, , key]) => key.startsWith("refused_") && sources.some((source) => source.includes(`"${name}"`)));

test("every key of the hub has its words, with the same figures, and no word is left over", () => {
  expect(sources.length).toBeGreaterThan(100);
  const worded = ofTheHub.filter(([name]) => !(`problem.${name}` in en));
  expect(worded.map(([name]) => `refused.${name}`).sort()).toEqual(Object.keys(enRefusals).sort());
  for (const [name, message] of worded) expect(blanks(enRefusals[`refused.${name}` as keyof typeof enRefusals]), name).toEqual(blanks(message));
});

const refused = (key: string, numbers: Record<string, number>): Refused => new Refused(409, "order_refused", "in English", key, numbers);

test("a refusal is told in the language of the reader, in kWh and KES", () => {
  const sale = refused("too_little_money", { have_cents: 4_000, need_cents: 9_050 });
  speak("en");
  expect(explain(sale)).toBe("You have KES 40.00 free and this needs KES 90.50, fees included. Top up first, or ask for less.");
  speak("sw");
  expect(explain(sale)).toBe("Una KES 40.00 zilizo huru na hii inahitaji KES 90.50 pamoja na ada. Weka pesa kwanza, au omba kidogo zaidi.");
  expect(explain(refused("too_few_tokens", { have_wh: 420, need_wh: 50_000 }))).toContain("Una 0.42 kWh za kuuza na hii inahitaji 50 kWh.");
  expect(explain(refused("payout_too_small", { least_kes: 10, kes: 3 }))).toBe("M-Pesa hulipa KES 10.00 au zaidi; hii ingekuwa KES 3.00.");
  expect(explain(refused("gate_closed", { first_time: 1_795_168_800 }))).toBe("Maagizo ya wakati huu yamefungwa. Wa kwanza ulio wazi unaanza 20 Nov 13:00.");
});

test("without words for the key, or without its figures, the hub's own text is told", () => {
  speak("sw");
  expect(explain(refused("of_a_hub_to_come", {}))).toBe("in English");
  expect(explain(refused("", {}))).toBe("in English");
  expect(explain(refused("too_few_tokens", { have_wh: 420 }))).toBe("in English");
  expect(explain(new Refused(401, "pin_wrong", "in English"))).toBe("PIN hii si sahihi.");
});

test("every reason of a failed payment is told in Swahili", () => {
  const told = ["_PUSH_FAILURES", "_PAYOUT_FAILURES"].flatMap((name) => {
    const [, table] = new RegExp(`^${name}: Final = \\{(.*?)^\\}`, "ms").exec(codes) ?? [];
    return [...(table ?? "").matchAll(/": "(.+)",$/gm)].map((match) => match[1] ?? "");
  });
  expect(told.length).toBeGreaterThan(15);
  for (const reason of told) expect(swReasons[reason], reason).toBeDefined();
  speak("sw");
  expect(sayReason("The request was cancelled on the phone.")).toBe("Ombi lilikataliwa kwenye simu.");
  expect(sayReason("Something new.")).toBe("Something new.");
  speak("en");
  expect(sayReason("The M-Pesa PIN was wrong.")).toBe("The M-Pesa PIN was wrong.");
});

test("the reputation says what it comes from", () => {
  const nothing = { days: 90, contracts: 0, promised_wh: 0, delivered_wh: 0, top_ups: 0, paid: 0, ended: 0, cancelled: 0 };
  const known = { ...nothing, contracts: 2, promised_wh: 1500, delivered_wh: 1200, top_ups: 3, paid: 2, ended: 1 };
  speak("en");
  expect(sayReputation({ basis_points: 8000, reason: "-", facts: nothing })).toBe("Nothing is known yet, and everybody starts at 80 %.");
  expect(sayReputation({ basis_points: 8000, reason: "-", facts: known })).toBe(
    "In the last 90 days: you kept 80 % of the 1.50 kWh that you promised ahead, you paid 2 of 3 requests by M-Pesa, you took back 0 of 1 order or auction.",
  );
  speak("sw");
  expect(sayReputation({ basis_points: 8000, reason: "-", facts: known })).toBe(
    "Katika siku 90 zilizopita: umetimiza 80 % ya 1.50 kWh ulizoahidi mapema, umelipa maombi 2 kati ya 3 ya M-Pesa, umeondoa 0 kati ya maagizo na minada 1.",
  );
  expect(sayReputation({ basis_points: 8000, reason: "of another age", facts: { stars: 5 } as never })).toBe("of another age");
});
