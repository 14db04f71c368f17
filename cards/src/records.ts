// What the integration's reading actions answer, as types; money in cents, energy in Wh, times in Unix seconds.

export interface Quantiles {
  p10: number;
  p50: number;
  p90: number;
}

export interface ForecastPeriod {
  start: number;
  minutes: number;
  production_wh: Quantiles;
  consumption_wh: Quantiles;
  surplus_wh: Quantiles;
}

export interface Forecast {
  /** The edge's own time when it answered; an older edge does not tell it. */
  now?: number;
  made_at: number;
  tier: string;
  confidence_percent: number | null;
  periods: ForecastPeriod[];
}

export interface Prices {
  /** The edge's own time when it answered; an older edge does not tell it. */
  now?: number;
  past: { start: number; minutes?: number; cents_per_kwh: number | null; traded_wh: number }[];
  expected: ({ start: number } & Quantiles)[];
}

export interface BookLevel {
  cents_per_kwh: number;
  wh: number;
}

export interface OwnOrder {
  id: string;
  side: "sell" | "buy";
  wh: number;
  remaining_wh: number;
  limit: number;
  status: string;
}

export interface Market {
  orders: OwnOrder[];
  book?: { buys: BookLevel[]; sells: BookLevel[] };
}

/** One settled period of the household. */
export interface HistoryRow {
  start: number;
  export_wh: number;
  import_wh: number;
  sold_wh: number;
  bought_wh: number;
  earned_cents: number;
  paid_cents: number;
}

const NUMBERS = ["export_wh", "import_wh", "sold_wh", "bought_wh", "earned_cents", "paid_cents"] as const;

/** Reads the table of `export_history`, newest first; a later revision of a period replaces an earlier one. */
export function historyRows(csv: string): HistoryRow[] {
  const [head = "", ...lines] = csv.trim().split("\n");
  const columns = head.split(",");
  const place = (name: string): number => columns.indexOf(name);
  const at = NUMBERS.map(place);
  const start = place("start");
  const rows = new Map<number, HistoryRow>();
  for (const line of lines) {
    const cells = line.split(",");
    const unix = Date.parse(cells[start] ?? "") / 1000;
    if (!Number.isFinite(unix)) continue;
    const values = Object.fromEntries(NUMBERS.map((name, index) => [name, Number(cells[at[index] ?? -1] ?? 0) || 0])) as Omit<HistoryRow, "start">;
    rows.set(unix, { start: unix, ...values });
  }
  return [...rows.values()].sort((one, other) => other.start - one.start);
}
