// The part of Home Assistant's frontend that the cards use, as types; Home Assistant gives the object itself.

export interface EntityState {
  entity_id: string;
  state: string;
  attributes: Record<string, unknown>;
  last_changed: string;
}

/** An entity as the registry shows it to the frontend. */
export interface RegistryEntity {
  entity_id: string;
  device_id?: string;
  platform?: string;
  translation_key?: string;
}

export interface RegistryDevice {
  id: string;
  name: string | null;
  name_by_user?: string | null;
}

export interface Hass {
  states: Record<string, EntityState | undefined>;
  entities: Record<string, RegistryEntity | undefined>;
  devices: Record<string, RegistryDevice | undefined>;
  language: string;
  config: { time_zone: string };
  callWS<T>(message: Record<string, unknown>): Promise<T>;
  callService(domain: string, service: string, data?: Record<string, unknown>, target?: { device_id?: string; entity_id?: string }): Promise<unknown>;
}

/** What a person writes, or the editor stores, for one of our cards. */
export interface CardConfig {
  type: string;
  /** The household's device; left out, the first household there is. */
  device_id?: string;
  title?: string;
}

/** How wide a card may be in a sections dashboard, of 12 columns; rows of 56 px. */
export interface GridOptions {
  columns: number | "full";
  rows?: number | "auto";
  min_columns?: number;
  min_rows?: number;
}

export interface FormField {
  name: string;
  required?: boolean;
  selector: Record<string, unknown>;
}

export interface FormSchema {
  schema: readonly FormField[];
  computeLabel?: (field: FormField) => string;
  computeHelper?: (field: FormField) => string;
}
