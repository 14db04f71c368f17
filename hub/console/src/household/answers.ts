// What the hub answers to a phone, as types; amounts are cents and Wh, times Unix seconds.

export interface Session {
  household: string;
  name: string;
  community: string;
  community_name: string;
  /** No money here is real. */
  is_practice: boolean;
  phone: string;
  device: string;
  csrf: string;
  time: number;
}

export interface Order {
  id: string;
  side: "sell" | "buy";
  wh: number;
  filled_wh: number;
  limit: number;
  status: string;
  at: number;
  period: number | null;
}

export interface OpenAuction {
  id: string;
  wh: number;
  start_price: number;
  best_bid: number | null;
  minimum_bid: number;
  ends_at: number;
  mine: boolean;
  leading: boolean;
}

export interface EndedAuction {
  id: string;
  wh: number;
  cents_per_kwh: number | null;
  ended_at: number;
  status: string;
  mine: boolean;
}

/** Partners trade first where the community's market `counts` them, and both have chosen each other. */
export interface Partners {
  own: string;
  counts: boolean;
  chosen: { id: string; name: string | null; is_mutual: boolean }[];
  neighbours: { id: string; name: string }[];
}

export interface Trade {
  id: number;
  at: number;
  market: string;
  side: "sell" | "buy";
  wh: number;
  cents_per_kwh: number;
  cents: number;
}

export interface Sums {
  export_wh: number;
  import_wh: number;
  generation_wh: number;
  sold_wh: number;
  bought_wh: number;
  earned_cents: number;
  paid_cents: number;
  saved_cents: number;
}

export interface Guidance {
  key: string;
  numbers: Record<string, number>;
  sentence: string;
  suggested_sell: number | null;
  suggested_buy: number | null;
  week_average: number | null;
}

/** How far the household keeps its word, in basis points, why in English, and the facts for other languages. */
export interface Reputation {
  basis_points: number;
  reason: string;
  facts: Record<"days" | "contracts" | "promised_wh" | "delivered_wh" | "top_ups" | "paid" | "ended" | "cancelled", number>;
}

export interface State {
  status: string;
  wallet: { kes_cents: number; kes_held_cents: number; ekwh_wh: number; ekwh_held_wh: number };
  standing_order: { sell_at_least: number | null; buy_at_most: number | null };
  clearing: { period: string; cents_per_kwh: number | null } | null;
  book: { best_sell: { cents_per_kwh: number; wh: number } | null; best_buy: { cents_per_kwh: number; wh: number } | null };
  auctions: OpenAuction[];
  allowance_wh: number;
  /** Its exports are the utility's by contract; not in what was kept of a hub that did not tell it yet. */
  is_net_metered?: boolean;
  period_minutes: number;
  /** From when on (Unix seconds) periods last how long, once that is announced. */
  period_change?: { from: number; minutes: number } | null;
  retail_tariff: number;
  feed_in_tariff: number;
  fees: number;
  guidance: Guidance;
  /** Not in what was kept of a hub that did not tell it yet. */
  reputation?: Reputation;
}

export interface Home {
  time: number;
  state: State;
  has_panels: boolean;
  power: { net_w: number; generation_w: number; at: number } | null;
  today: Sums;
  month: Sums;
  gate_periods: number;
  meter: string;
  account: string;
  short_code: number;
  phone_daily_cents: number;
  phone_spent_cents: number;
}

export interface Period {
  start: number;
  minutes: number;
  export_wh: number;
  import_wh: number;
  generation_wh: number;
  sold_wh: number;
  bought_wh: number;
  earned_cents: number;
  paid_cents: number;
}

export interface Periods {
  period_minutes: number;
  periods: Period[];
}

export interface Payment {
  id: string;
  direction: "in" | "out";
  kes: number;
  state: string;
  reason: string | null;
  is_for_order: boolean;
  at: number;
  ended_at: number | null;
}

/** A part of what a statement's line says; a figure's unit is in its name (`wh`, `cents`, `_at`: Unix seconds), a text is no figure. */
export interface Phrase {
  key: string;
  figures: Record<string, number | string>;
}

export interface StatementLine {
  entry: number;
  booked_at: number;
  kind: string;
  /** What it says in English; `says` has the same for other languages. */
  text: string;
  says?: Phrase[];
  change: Record<"kes_cents" | "kes_held_cents" | "ekwh_wh" | "ekwh_held_wh", number>;
}

export interface Statement {
  from: string;
  to: string;
  opening: { kes_cents: number; ekwh_wh: number };
  closing: { kes_cents: number; ekwh_wh: number };
  lines: StatementLine[];
  totals: Record<string, number>;
}

export interface Neighbours {
  since: number;
  members: number;
  generated_wh: number;
  shared_wh: number;
  saved_cents: number;
  co2_grams: number | null;
  places: { place: number; name: string | null; shared_wh: number; is_own: boolean }[];
  is_named: boolean;
}

export interface Complaint {
  id: number;
  about: string;
  text: string;
  at: number;
  has_photo: boolean;
  is_open: boolean;
  answer: string | null;
}

export interface Phone {
  id: string;
  name: string;
  paired_at: number;
  used_at: number;
  is_this: boolean;
}
