// What the hub says about money, meters and its own office, as types.

export interface MpesaState {
  /** Payments and payouts that are under way. */
  open: number;
  payouts_stopped: string | null;
  trust_cents: number;
  suspense_cents: number;
  at_mpesa: { cents: number; at: number } | null;
}

export interface Receipt {
  receipt: string;
  /** Null: nobody knows whose money it is; it waits in suspense. */
  household_id: string | null;
  reference: string;
  kes: number;
  channel: string;
  paid_at: number;
  recorded_at: number;
  reversal: string | null;
}

export const STANDINGS = ["open", "ended", "waits"] as const;

/** Which payments a list is of; `waits`: those that wait for a person. */
export type Standing = (typeof STANDINGS)[number];

/** A payment that a phone was asked for; `review` is the open case about it. */
export interface PaymentIntent {
  id: string;
  household: string;
  kes: number;
  /** `top_up`, or what is paid for: `order:` or `phone:` with an id. */
  purpose: string;
  state: string;
  reason: string | null;
  reference: string;
  receipt: string | null;
  created_at: number;
  given_up_at: number | null;
  ended_at: number | null;
  review: number | null;
}

export interface Payout {
  id: string;
  household: string;
  kes: number;
  /** The expected fee until it is paid; null where the money went back. */
  fee_cents: number | null;
  state: string;
  reason: string | null;
  receipt: string | null;
  conversation: string;
  attempts: number;
  created_at: number;
  accepted_at: number | null;
  ended_at: number | null;
  review: number | null;
}

export interface Difference {
  kind: string;
  receipt: string;
  mpesa_cents: number | null;
  books_cents: number | null;
}

export interface Reconciliation {
  source: string;
  starts_at: number;
  ends_at: number;
  made_at: number;
  matched: number;
  credited: number;
  differences: Difference[];
}

export type Comparison = Pick<Reconciliation, "matched" | "credited" | "differences">;

export interface MeterEpoch {
  number: number;
  meter: string;
  since: number;
  who: string;
  reason: string;
  /** What the approvers signed; null: from before they were asked. */
  proposal: string | null;
  at: number;
}

export interface Meter {
  household: string;
  name: string;
  status: string;
  meter: string;
  sequence: number | null;
  measured_at: number | null;
  export_wh: number | null;
  import_wh: number | null;
  generation_wh: number | null;
  net_w: number | null;
  generation_w: number | null;
  rated_pv_w: number;
  main_breaker_w: number;
  quarantined: number;
  epochs: MeterEpoch[];
}

export interface WaitingMeter {
  household: string;
  meter: string;
  sequence: number;
  measured_at: number;
  export_wh: number;
  import_wh: number;
  generation_wh: number;
  reason: string;
  received_at: number;
  frames: number;
  frame: string;
  /** What the approvers are asked about this household's meter now. */
  asked: { proposal: string; signatures: number; needed: number } | null;
}

/** A household's connection. `wanted` is why the hub wants it open, or "none"; `meter` is what its meter said last, null without a relay. */
export interface Relay {
  household: string;
  name: string;
  is_protected: boolean;
  is_ended: boolean;
  is_asked_off: boolean;
  wanted: string;
  command: { sequence: number; action: string; reason: string; issued_at: number; expires_at: number; open_until: number | null } | null;
  meter: { is_open: boolean; is_protected: boolean; sequence: number; outcome: string; reason: string; open_until: number | null; reported_at: number } | null;
}

export interface RelayMarks {
  reason: string;
  is_protected?: boolean;
  is_ended?: boolean;
}

export interface QuarantinedFrame {
  id: number;
  household: string;
  received_at: number;
  reason: string;
  meter: string | null;
  sequence: number | null;
  measured_at: number | null;
  export_wh: number | null;
  import_wh: number | null;
  generation_wh: number | null;
}

export interface Act {
  id: number;
  at: number;
  who: string;
  what: string;
  subject: string;
}

export interface Work {
  kind: string;
  waiting: number;
  due: number;
  retried: number;
  oldest_due_at: number | null;
}

export interface Health {
  up_since: number | null;
  work: Work[];
}

export interface LastingSession {
  id: string;
  started_at: number;
  used_at: number;
  address: string;
  is_this: boolean;
}

export const SCOPES = ["market", "households", "ledger", "money", "chain", "meters", "office"] as const;

/** What a program's token may read. */
export type Scope = (typeof SCOPES)[number];

/** A token that was made for a program; times are real, in Unix seconds. */
export interface Token {
  id: string;
  name: string;
  scopes: Scope[];
  made_by: string;
  made_at: number;
  expires_at: number;
  revoked_at: number | null;
}

/** A passkey of whoever is signed in; times are real, in Unix seconds. */
export interface Passkey {
  id: string;
  name: string;
  made_at: number;
  used_at: number | null;
}

export interface Passkeys {
  passkeys: Passkey[];
  /** False where the hub does not know the address that people reach it by. */
  can_make: boolean;
}

export interface NewFactor {
  secret: string;
  uri: string;
}

/** Something that the approvers decide; `signatures` are the keys of those who signed. */
export interface Proposal {
  proposal: string;
  kind: string;
  household: string | null;
  name: string | null;
  reason: string;
  asked_by: string;
  asked_at: number;
  state: string;
  is_under_way: boolean;
  signatures: string[];
  needed: number;
  /** What is asked for, as the hub understands it. */
  wish: { approvers?: string[]; needed?: number; verifiers?: string[]; hub?: string };
  /** What an applicant's file lacks; null for anything but an admission. */
  missing?: string[] | null;
}

/** A device that asks to be a household's new one. */
export interface NewDevice {
  household: string;
  key: string;
  since: number;
}

export interface Proposals {
  proposals: Proposal[];
  devices: NewDevice[];
  approvers: string[];
  needed: number;
  /** Who sign mints beside the hub, and who are to by its configuration. */
  verifiers: string[];
  configured_verifiers: string[];
  is_paused: boolean;
  hub: HubKey;
}

/** The hub's key, and the one that lies ready to take its place, or acts for it while it is lost. */
export interface HubKey {
  key: string;
  before: string[];
  next: string | null;
  is_lost: boolean;
  can_pause: boolean;
}

export type Wish = { reason: string } & (
  | { kind: "hub" | "minters" }
  | { kind: "approvers"; approvers: string[]; needed: number }
  | { kind: "suspend" | "readmit"; household: string }
  | { kind: "recover"; household: string; key: string }
);
