// The cards find a household's entities by their keys, whatever they were renamed to, and word refusals.
import { beforeEach, expect, test, vi } from "vitest";
import type { Hass } from "../src/hass.js";
import { Household, householdDevices, Refused } from "../src/household.js";

function hass(callWS: Hass["callWS"] = () => Promise.reject(new Error("not asked"))): Hass {
  const entity = (entity_id: string, device_id: string, translation_key: string, platform = "energy_swap"): Hass["entities"][string] => ({ entity_id, device_id, translation_key, platform });
  const state = (entity_id: string, value: string): Hass["states"][string] => ({ entity_id, state: value, attributes: { reason: "why" }, last_changed: "" });
  return {
    language: "en",
    config: { time_zone: "Africa/Nairobi" },
    devices: { home: { id: "home", name: "Amina's house", name_by_user: "Ours" } },
    entities: {
      a: entity("sensor.purse", "home", "kes_balance"),
      b: entity("sensor.price", "home", "clearing_price"),
      c: entity("sensor.advice", "home", "recommendation"),
      d: entity("sensor.other", "tv", "kes_balance", "another"),
      e: entity("sensor.meter", "meter", "net_power"),
    },
    states: { "sensor.purse": state("sensor.purse", "12.50"), "sensor.price": state("sensor.price", "unavailable"), "sensor.advice": state("sensor.advice", "unknown") },
    callWS,
    callService: () => Promise.resolve(),
  };
}

beforeEach(() => {
  vi.stubGlobal("navigator", { language: "en-GB" });
});

test("a household is a device of ours that knows a balance", () => {
  expect(householdDevices(hass())).toEqual(["home"]);
});

test("values are read by key; what is not known is null and what is away says so", () => {
  const home = new Household(hass(), "home");
  expect(home.name).toBe("Ours");
  expect(home.number("kes_balance")).toBe(12.5);
  expect([home.number("clearing_price"), home.isHere("clearing_price")]).toEqual([null, false]);
  expect([home.text("recommendation"), home.isHere("recommendation")]).toEqual([null, true]);
  expect(home.attribute("recommendation", "reason")).toBe("why");
  expect([home.number("nothing"), home.entity("nothing")]).toEqual([null, undefined]);
});

test("an action is sent for the household's device and its answer returned", async () => {
  const sent: unknown[] = [];
  const home = new Household(
    hass(<T>(message: Record<string, unknown>) => {
      sent.push(message);
      return Promise.resolve({ response: { status: "filled" } } as T);
    }),
    "home",
  );
  expect(await home.act("sell", { energy: 1 })).toEqual({ status: "filled" });
  expect(sent).toEqual([{ type: "call_service", domain: "energy_swap", service: "sell", service_data: { energy: 1 }, target: { device_id: "home" }, return_response: true }]);
});

test("a refusal carries Home Assistant's own words", async () => {
  const home = new Household(
    hass(() => Promise.reject(Object.assign(new Error("minimum_price: 0 is too little"), { code: "x" }))),
    "home",
  );
  await expect(home.act("sell")).rejects.toThrow(Refused);
  await expect(home.act("sell")).rejects.toThrow("minimum_price: 0 is too little");
});
