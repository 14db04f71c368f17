// The picture of energy flowing: makers left, users right, the exchange in the middle, the main grid below.
import { html, nothing, svg, type PropertyValues, type SVGTemplateResult, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Overview } from "../api.js";
import { energy, power } from "../format.js";
import { say, TranslatedElement } from "../language.js";
import { writeRoute } from "../route.js";
import { baseStyles } from "../style/shared.js";
import { mapStyles } from "./community-map.styles.js";
import { bow, drawStreams, layOut, nearest, shortName, type CommunityMap, type House, type Place } from "./map-layout.js";

export type MapView = "now" | "last";

const HOUSE = "M-6 0.500L0 -5.500L6 0.500M-4 -1V5.500H4V-1";
const PYLON = "M-7 11L0 -11L7 11M-4.500 3H4.500M-9 -4H9M-9 -4V-1M9 -4V-1";

@customElement("es-community-map")
export class EsCommunityMap extends TranslatedElement {
  static override styles = [baseStyles, mapStyles];

  @property({ attribute: false }) overview!: Overview;
  @property() view: MapView = "now";
  @state() private chosen: string | null = null;
  @state() private size = { width: 0, height: 0 };

  /** Who has ever generated: a maker stays on the makers' side at night. */
  readonly #makers = new Set<string>();
  #map: CommunityMap | undefined;
  readonly #watch = new ResizeObserver(([entry]) => {
    if (entry) this.size = { width: Math.round(entry.contentRect.width), height: Math.round(entry.contentRect.height) };
  });

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch.disconnect();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const stage = this.renderRoot.querySelector(".stage");
    if (stage && this.size.width === 0) this.#watch.observe(stage);
  }

  protected override render(): TemplateResult {
    const houses = this.#houses();
    const { width, height } = this.size;
    const map = width > 0 ? layOut(houses, width, height) : undefined;
    this.#map = map;
    return html`
      <div class="stage" @click=${this.#choose} @keydown=${this.#step}>${map ? this.#renderMap(map, houses) : nothing}</div>
      <div class="foot" aria-live="polite">${this.#renderFoot(houses)}</div>
    `;
  }

  #houses(): House[] {
    for (const { household, generation_w, rated_pv_w } of this.overview.households) {
      if ((rated_pv_w ?? generation_w ?? 0) > 0) this.#makers.add(household);
    }
    const traded = new Map<string, number>();
    for (const { seller, buyer, wh } of this.overview.flows) {
      traded.set(seller, (traded.get(seller) ?? 0) + wh);
      traded.set(buyer, (traded.get(buyer) ?? 0) - wh);
    }
    return this.overview.households.map((live) => {
      const now = live.net_w === null ? null : -live.net_w;
      const last = live.last_net_wh === null ? (traded.get(live.household) ?? null) : -live.last_net_wh;
      return {
        household: live.household,
        name: live.name,
        isMaker: this.#makers.has(live.household),
        strength: this.view === "now" ? now : last,
      };
    });
  }

  #quantity(value: number): string {
    return this.view === "now" ? power(Math.abs(value)) : energy(Math.abs(value));
  }

  #renderMap(map: CommunityMap, houses: readonly House[]): SVGTemplateResult {
    const { given, taken } = totals(houses);
    // The grid brings what the houses lack and takes what they have left.
    const grid = taken - given;
    const largest = Math.max(1, ...map.places.map((place) => Math.abs(place.strength ?? 0)));
    const partners = this.#partners();
    return svg`<svg viewBox="0 0 ${map.width} ${map.height}" role="group" aria-label=${say("map.label")} class=${this.chosen ? "has-choice" : ""}>
      <g class="streams" aria-hidden="true">
        ${drawStreams(map, grid).map(
          ({ household, path, width, isInward }) => svg`<g class="stream ${household === null ? "grid" : isInward ? "gives" : "takes"} ${household === this.chosen ? "chosen" : ""}">
            <path d=${path} stroke-width=${width.toFixed(1)}></path>
            <path class="drops ${isInward ? "" : "outward"}" d=${path} stroke-width=${Math.min(5, Math.max(2, width * 0.45)).toFixed(1)}></path>
          </g>`,
        )}
        ${this.#renderBows(map, partners)}
      </g>
      ${this.#renderTotals(map, given, taken)} ${this.#renderCentre(map, given, taken)} ${this.#renderGrid(map, grid)}
      ${map.places.map((place, index) => this.#renderHouse(map, place, index, largest, partners))}
    </svg>`;
  }

  /** What the chosen house sold (+) to or bought (−) from each partner in the last period. */
  #partners(): Map<string, number> {
    const partners = new Map<string, number>();
    if (this.chosen === null) return partners;
    for (const { seller, buyer, wh } of this.overview.flows) {
      if (seller === this.chosen) partners.set(buyer, (partners.get(buyer) ?? 0) + wh);
      if (buyer === this.chosen) partners.set(seller, (partners.get(seller) ?? 0) - wh);
    }
    return partners;
  }

  #renderBows(map: CommunityMap, partners: ReadonlyMap<string, number>): SVGTemplateResult[] {
    const chosen = map.places.find((place) => place.household === this.chosen);
    if (!chosen) return [];
    const most = Math.max(1, ...[...partners.values()].map(Math.abs));
    return map.places.flatMap((place) => {
      const wh = partners.get(place.household);
      if (wh === undefined) return [];
      const path = wh > 0 ? bow(chosen, place, map) : bow(place, chosen, map);
      const width = 1.5 + (8 * Math.abs(wh)) / most;
      return [
        svg`<g class="stream trade"><path d=${path} stroke-width=${width.toFixed(1)}></path><path class="drops" d=${path} stroke-width="3"></path></g>`,
      ];
    });
  }

  #renderTotals({ centre }: CommunityMap, given: number, taken: number): SVGTemplateResult {
    return svg`<g class="totals">
      <text class="end" x=${centre.x - 14} y="26"><tspan class="total gives">${this.#quantity(given)}</tspan><tspan x=${centre.x - 14} dy="18">${say("map.given")}</tspan></text>
      <text x=${centre.x + 14} y="26"><tspan class="total takes">${this.#quantity(taken)}</tspan><tspan x=${centre.x + 14} dy="18">${say("map.taken")}</tspan></text>
      <line x1=${centre.x} x2=${centre.x} y1="10" y2="46"></line>
    </g>`;
  }

  #renderCentre({ centre }: CommunityMap, given: number, taken: number): SVGTemplateResult {
    const shared = this.view === "now" ? Math.min(given, taken) : (this.overview.clearing?.traded_wh ?? 0);
    const [figure = "", unit = ""] = this.#quantity(shared).split(" ");
    return svg`<g class="centre" transform="translate(${centre.x} ${centre.y})">
      <circle r=${centre.radius}></circle>
      <text class="caption" y=${-centre.radius * 0.36}>${say(this.view === "now" ? "map.shared" : "map.traded")}</text>
      <text class="figure" y="8" style="font-size:${(centre.radius * 0.44).toFixed(0)}px">${figure}</text>
      <text class="caption" y=${centre.radius * 0.5}>${unit}</text>
    </g>`;
  }

  #renderGrid({ grid, centre, width }: CommunityMap, strength: number): SVGTemplateResult {
    const words = strength === 0 ? say("map.grid") : say(strength > 0 ? "map.grid_gives" : "map.grid_takes");
    const isTight = width < 600;
    return svg`<g class="grid-node" transform="translate(${grid.x} ${grid.y})">
      <circle r="21"></circle><path d=${PYLON}></path>
      <text x=${isTight ? 0 : 30} y=${isTight ? -27 : -3} class=${isTight ? "middle" : ""}>
        ${isTight ? nothing : svg`<tspan class="strong">${words}</tspan>`}
        ${isTight ? svg`<tspan x=${centre.radius * 0} class="strong halo">${this.#quantity(strength)}</tspan>` : svg`<tspan x="30" dy="16">${this.#quantity(strength)}</tspan>`}
      </text>
    </g>`;
  }

  #renderHouse(map: CommunityMap, place: Place, index: number, largest: number, partners: ReadonlyMap<string, number>): SVGTemplateResult {
    const { household, strength, x, y, side } = place;
    const isChosen = household === this.chosen;
    const size = strength === null ? 0.62 : 0.62 + 0.38 * Math.sqrt(Math.abs(strength) / largest);
    const radius = map.houseRadius * size;
    const kind = strength === null ? "silent" : strength > 0 ? "gives" : strength < 0 ? "takes" : "rests";
    const live = this.overview.households.find((one) => one.household === household);
    const hasSun = (live?.generation_w ?? 0) > 20;
    const isFirst = this.chosen === null ? index === 0 : isChosen;
    const dim = this.chosen !== null && !isChosen && !partners.has(household) ? "dim" : "";
    return svg`<g class="house ${kind} ${dim}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})" role="button" tabindex=${isFirst ? 0 : -1}
      data-household=${household} aria-pressed=${isChosen ? "true" : "false"} aria-label=${map.hasLabels ? nothing : this.#describe(place)}
      aria-description=${map.hasLabels ? this.#describe(place) : nothing}>
      ${hasSun ? svg`<circle class="sun" r=${(radius + 4.5).toFixed(1)}></circle>` : nothing}
      <circle class="body" r=${radius.toFixed(1)}></circle>
      <path d=${HOUSE} transform="scale(${(size * (map.houseRadius / 15)).toFixed(2)})"></path>
      ${map.hasLabels ? this.#renderLabel(place, side * (map.houseRadius + 11), partners.get(household)) : nothing}
      ${map.hasShortLabels ? svg`<text class="short ${side < 0 ? "end" : ""}" x=${side * (map.houseRadius + 8)} y="3.5">${shortName(place.name)}</text>` : nothing}
    </g>`;
  }

  #renderLabel({ name, strength }: Place, x: number, wh: number | undefined): SVGTemplateResult {
    const quantity = wh === undefined ? (strength === null ? "–" : this.#quantity(strength)) : energy(Math.abs(wh));
    const short = name.length > 17 ? `${name.slice(0, 16).trimEnd()}…` : name;
    return svg`<text class=${x < 0 ? "end" : ""}><tspan class="strong" x=${x} y="-2">${short}</tspan> <tspan
      class=${wh === undefined ? "quantity" : "quantity traded"} x=${x} y="12">${quantity}</tspan></text>`;
  }

  #describe({ name, strength }: House): string {
    if (strength === null) return say("map.silent", { name });
    if (strength === 0) return say("map.rests", { name });
    const words = this.view === "now" ? (["map.gives", "map.takes"] as const) : (["map.gave", "map.took"] as const);
    return say(words[strength > 0 ? 0 : 1], { name, quantity: this.#quantity(strength) });
  }

  #renderFoot(houses: readonly House[]): TemplateResult {
    const house = houses.find((one) => one.household === this.chosen);
    if (houses.length === 0) return html`<span>${say("households.none")}</span>`;
    if (!house) {
      return html`<span class="key gives">${say("map.key_gives")}</span><span class="key takes">${say("map.key_takes")}</span
        ><span class="key sunny">${say("map.key_sun")}</span><span class="hint">${say("map.hint")}</span>
        ${this.#map && this.#map.hidden > 0 ? html`<span>${say("map.more", { count: this.#map.hidden })}</span>` : nothing}`;
    }
    const live = this.overview.households.find((one) => one.household === house.household);
    const partners = [...this.#partners().values()];
    const sold = partners.filter((wh) => wh > 0);
    const bought = partners.filter((wh) => wh < 0);
    const total = (values: number[]): string => energy(Math.abs(values.reduce((one, two) => one + two, 0)));
    return html`<b>${this.#describe(house)}</b>
      ${this.view === "now" && live?.generation_w ? html`<span>${say("map.makes", { quantity: power(live.generation_w) })}</span>` : nothing}
      ${sold.length > 0 ? html`<span>${say("map.sold_to", { quantity: total(sold), count: sold.length })}</span>` : nothing}
      ${bought.length > 0 ? html`<span>${say("map.bought_from", { quantity: total(bought), count: bought.length })}</span>` : nothing}
      ${partners.length === 0 ? html`<span>${say("map.no_trade")}</span>` : nothing}
      <a href=${writeRoute("households", house.household)}>${say("map.details")}</a>`;
  }

  #choose(event: MouseEvent): void {
    const stage = event.currentTarget as HTMLElement;
    const box = stage.getBoundingClientRect();
    const direct = event.composedPath().find((target): target is SVGGElement => target instanceof SVGGElement && target.dataset.household !== undefined);
    const household = direct?.dataset.household ?? (this.#map && nearest(this.#map.places, event.clientX - box.left, event.clientY - box.top)?.household) ?? null;
    this.chosen = household === this.chosen ? null : household;
  }

  async #step(event: KeyboardEvent): Promise<void> {
    const places = this.#map?.places ?? [];
    const focused = (this.renderRoot as ShadowRoot).activeElement?.getAttribute("data-household");
    const at = places.findIndex((place) => place.household === focused);
    const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const by = steps[event.key];
    let next: string | null;
    if (by !== undefined && places.length > 0) next = places[(at + by + places.length) % places.length]?.household ?? null;
    else if (event.key === "Escape") next = null;
    else if (event.key === "Enter" || event.key === " ") next = focused === this.chosen ? null : (focused ?? null);
    else return;
    event.preventDefault();
    this.chosen = next;
    await this.updateComplete;
    if (next !== null) this.renderRoot.querySelector<SVGGElement>(`[data-household="${CSS.escape(next)}"]`)?.focus();
  }
}

/** All that is given and all that is taken, also by houses that found no room on the map. */
function totals(houses: readonly House[]): { given: number; taken: number } {
  const strengths = houses.map((house) => house.strength ?? 0);
  return {
    given: strengths.reduce((total, value) => total + Math.max(0, value), 0),
    taken: strengths.reduce((total, value) => total + Math.max(0, -value), 0),
  };
}

declare global {
  interface HTMLElementTagNameMap {
    "es-community-map": EsCommunityMap;
  }
}
