// The cards say refusals and advice in the reader's language, with the integration's own texts.
import { expect, test } from "vitest";
import type { Hass } from "../src/hass.js";
import { adviceText, refusalText } from "../src/texts.js";

const resources = {
  "component.energy_swap.exceptions.refused_too_few_tokens.message": "Una kWh {have} za kuuza na hii inahitaji kWh {need}.",
};

function hass(answer: () => Promise<unknown>): { hass: Hass; asked: Record<string, unknown>[] } {
  const asked: Record<string, unknown>[] = [];
  const callWS = (message: Record<string, unknown>): Promise<never> => {
    asked.push(message);
    return answer() as Promise<never>;
  };
  return { hass: { callWS, language: "sw" } as unknown as Hass, asked };
}

const refusal = (key: string): unknown => ({
  code: "service_validation_error",
  message: "Validation error: in English",
  translation_domain: "energy_swap",
  translation_key: key,
  translation_placeholders: { have: "0.4", need: "50" },
});

test("a refusal is said in the reader's language, whatever Home Assistant's own message is", async () => {
  const { hass: home, asked } = hass(() => Promise.resolve({ resources }));
  expect(await refusalText(home, "sw", refusal("refused_too_few_tokens"))).toBe("Una kWh 0.4 za kuuza na hii inahitaji kWh 50.");
  expect(asked).toEqual([{ type: "frontend/get_translations", language: "sw", category: "exceptions", integration: ["energy_swap"] }]);
});

test("what has no text of ours is said as Home Assistant says it", async () => {
  const { hass: home } = hass(() => Promise.resolve({ resources }));
  expect(await refusalText(home, "sw", refusal("a_new_one"))).toBe("Validation error: in English");
  expect(await refusalText(home, "sw", { message: "not found", translation_domain: "homeassistant", translation_key: "x" })).toBe("not found");
  expect(await refusalText(home, "sw", new Error("lost"))).toBe("lost");
  expect(await refusalText(home, "sw", null)).toBe("null");
  const { hass: gone } = hass(() => Promise.reject(new Error("connection lost")));
  expect(await refusalText(gone, "sw", refusal("refused_too_few_tokens"))).toBe("Validation error: in English");
});

test("advice is said with its amounts, and in the edge's English where there is no text for it", () => {
  const said: Record<string, unknown> = { key: "buy_now", reason: "Buy now.", energy: 1.25, price: 12, gain: 3.4 };
  const household = { attribute: (_key: string, name: string): unknown => said[name] };
  expect(adviceText(household, { advice_buy_now: "Nunua sasa: kWh {energy} kwa KES {price}, unaokoa KES {gain}." })).toBe("Nunua sasa: kWh 1.3 kwa KES 12.00, unaokoa KES 3.40.");
  expect(adviceText(household, {})).toBe("Buy now.");
  said.reason = undefined;
  expect(adviceText(household, {})).toBe("");
});
