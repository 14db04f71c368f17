// What the hub says about the community's settings, its members' files and their invoices, as types.

export interface Tariff {
  community_fee_cents_per_kwh: number;
  grid_fee_cents_per_kwh: number;
  retail_cents_per_kwh: number;
  feed_in_cents_per_kwh: number;
}

export type LegalBasis = "simulation" | "private_network" | "licensed";
export type Stage = "partners" | "community" | "grid";

export interface Valid {
  period_minutes: number;
  grace_minutes: number;
  payout_hour: number;
  stages: Stage[];
  tariff: Tariff;
  legal_basis: LegalBasis;
  legal_reference: string;
  vat_energy_percent: number;
  vat_fees_percent: number;
}

export interface SettingsChange {
  id: number | null;
  valid_from: number;
  change: Partial<Valid>;
  reason: string;
  who: string;
  recorded_at: number | null;
  state: "founding" | "valid" | "coming" | "withdrawn";
}

export interface Settings {
  now: number;
  moves_real_money: boolean;
  valid: Valid;
  history: SettingsChange[];
}

export interface SettingsWish {
  valid_from: number;
  reason: string;
  change: Partial<Omit<Valid, "period_minutes">>;
}
