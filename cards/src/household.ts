// One household as the cards see it: its entities by their keys, and the actions of its integration.
import type { EntityState, Hass } from "./hass.js";
import { languageOf } from "./language.js";
import { refusalText } from "./texts.js";

const PLATFORM = "energy_swap";

/** Thrown when an action was refused; the message says why in the reader's language. */
export class Refused extends Error {}

/** The devices that are households: those whose entities know a balance. */
export function householdDevices(hass: Hass): string[] {
  const found = new Set<string>();
  for (const entity of Object.values(hass.entities)) {
    if (entity?.platform === PLATFORM && entity.translation_key === "kes_balance" && entity.device_id) found.add(entity.device_id);
  }
  return [...found];
}

export class Household {
  readonly #entities: Map<string, string>;

  constructor(
    private readonly hass: Hass,
    readonly device: string,
  ) {
    this.#entities = new Map();
    for (const entity of Object.values(hass.entities)) {
      if (entity?.platform === PLATFORM && entity.device_id === device && entity.translation_key) this.#entities.set(entity.translation_key, entity.entity_id);
    }
  }

  get name(): string {
    const device = this.hass.devices[this.device];
    return device?.name_by_user ?? device?.name ?? "";
  }

  /** The entity of a key, whatever a person renamed it to. */
  entity(key: string): string | undefined {
    return this.#entities.get(key);
  }

  state(key: string): EntityState | undefined {
    const entity = this.entity(key);
    return entity === undefined ? undefined : this.hass.states[entity];
  }

  /** The text of a state, or null while it is not known. */
  text(key: string): string | null {
    const state = this.state(key)?.state;
    return state === undefined || state === "unknown" || state === "unavailable" ? null : state;
  }

  number(key: string): number | null {
    const text = this.text(key);
    const value = text === null ? NaN : Number(text);
    return Number.isFinite(value) ? value : null;
  }

  attribute(key: string, name: string): unknown {
    return this.state(key)?.attributes[name];
  }

  /** Whether what this key says comes from its source now, and not from before it went away. */
  isHere(key: string): boolean {
    const state = this.state(key)?.state;
    return state !== undefined && state !== "unavailable";
  }

  /** Carries out an action of the integration and returns its answer; throws `Refused`. */
  async act<T>(action: string, data: Record<string, unknown> = {}): Promise<T> {
    return this.#call<T>(PLATFORM, action, data, { device_id: this.device }, true);
  }

  /** Presses, switches or sets an entity of the household. */
  async use(key: string, domain: string, service: string, data: Record<string, unknown> = {}): Promise<void> {
    const entity = this.entity(key);
    if (entity !== undefined) await this.#call(domain, service, data, { entity_id: entity }, false);
  }

  async #call<T>(domain: string, service: string, data: Record<string, unknown>, target: Record<string, string>, isAnswered: boolean): Promise<T> {
    try {
      const answer = await this.hass.callWS<{ response: T }>({
        type: "call_service",
        domain,
        service,
        service_data: data,
        target,
        return_response: isAnswered,
      });
      return answer.response;
    } catch (problem) {
      throw new Refused(await refusalText(this.hass, languageOf(this.hass.language), problem));
    }
  }
}
