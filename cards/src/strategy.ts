// A dashboard that makes itself: the cards of every household, in an order that fits a phone and a wall.
import type { Hass } from "./hass.js";
import { Household, householdDevices } from "./household.js";
import { languageOf, speaker } from "./language.js";

const CARDS = ["energy-swap-money-card", "energy-swap-market-card", "energy-swap-forecast-card", "energy-swap-history-card"];

export class EnergySwapStrategy extends HTMLElement {
  /** Returns the dashboard: one view per household, each card in a section of its own. */
  static generate(_config: unknown, hass: Hass): Promise<unknown> {
    const say = speaker(languageOf(hass.language));
    const views = householdDevices(hass).map((device) => ({
      title: new Household(hass, device).name,
      path: device,
      icon: "mdi:solar-power-variant",
      type: "sections",
      max_columns: 3,
      sections: CARDS.map((card) => ({ type: "grid", cards: [{ type: `custom:${card}`, device_id: device, grid_options: { columns: "full" } }] })),
    }));
    const nothing = { title: "Energy Swap", cards: [{ type: "markdown", content: say("no_household") }] };
    return Promise.resolve({ title: "Energy Swap", views: views.length > 0 ? views : [nothing] });
  }
}

customElements.define("ll-strategy-dashboard-energy-swap", EnergySwapStrategy);
