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
  /** From when on another length of periods can count, at the earliest. */
  period_change_from: number;
  valid: Valid;
  history: SettingsChange[];
}

export interface SettingsWish {
  valid_from: number;
  reason: string;
  change: Partial<Valid>;
}

export interface FilePart {
  says: string;
  by: string;
  at: number;
}

export interface MemberFile {
  household: string;
  status: string;
  /** Whether approvers may not sign while something is missing. */
  needs_all: boolean;
  parts: Partial<Record<"phone" | "document" | "site" | "consent", FilePart>>;
  missing: string[];
  consent: { version: string; en: string; sw: string };
  has_panels: boolean;
  /** The utility credits what it exports by a contract: since when, and until when (Unix seconds). */
  net_metered_from: number | null;
  net_metered_until: number | null;
  departure: {
    state: string;
    asked_by: string;
    reason: string;
    asked_at: number;
    burned_wh: number;
    tokens_cents: number;
    paid_kes: number;
    remainder_cents: number;
    left_at: number | null;
    erase_at: number | null;
    erased_at: number | null;
  } | null;
}

/** A phone that was paired with a household; times are real, in Unix seconds. */
export interface PairedPhone {
  id: string;
  household: string;
  name: string;
  paired_at: number;
  used_at: number;
  revoked_at: number | null;
  revoked_by: string | null;
}

/** Null as number: a draft of the running month. */
export interface ListedInvoice {
  number: number | null;
  shown_as: string;
  kind: "invoice" | "credit_note" | "debit_note";
  month: string;
  corrects: number | null;
  issued_at: number;
  total_cents: number;
  vat_cents: number;
  closing_cents: number;
}
