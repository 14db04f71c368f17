// The hub's console API: its answers as types and one client that speaks it.

import type {
  Act,
  Comparison,
  Health,
  LastingSession,
  Meter,
  MpesaState,
  NewFactor,
  Passkeys,
  PaymentIntent,
  Payout,
  Proposals,
  QuarantinedFrame,
  Receipt,
  Reconciliation,
  Relay,
  RelayMarks,
  Scope,
  Standing,
  Token,
  WaitingMeter,
  Wish,
} from "./office-api.js";
import type { Choice } from "./household-list.js";
import type { Part, Wanted } from "./long-list.js";
import type { ListedInvoice, MemberFile, PairedPhone, Settings, SettingsWish } from "./settings-api.js";
import type { Evidence, Head } from "./proof/mint-proof.js";
import type { PasskeyOptions, SignedPasskey } from "./passkeys.js";

export type Role = "admin" | "auditor" | "verifier" | "installer";

export interface Session {
  user: string;
  role: Role;
  community: { id: string; name: string };
  csrf: string;
  /** Whether this user signs in with a code as well. */
  second_factor: boolean;
}

export interface LiveHousehold {
  household: string;
  name: string;
  status: string;
  /** + takes from the neighbourhood, − gives to it. */
  net_w: number | null;
  generation_w: number | null;
  at: number | null;
  last_net_wh: number | null;
  /** Where the hub says it, it decides who is a maker; otherwise a measured generation does. */
  rated_pv_w?: number;
}

/** What a period's market came to; `settled_at` is null until the chain has done its part. */
export interface Clearing {
  period: string;
  minutes: number;
  cents_per_kwh: number | null;
  supply_wh: number;
  demand_wh: number;
  traded_wh: number;
  settled_at: number | null;
}

export type Flow = Record<"seller" | "buyer", string> & { wh: number };

export interface PeriodLength {
  from: number;
  minutes: number;
}

export interface Overview {
  community: {
    id: string;
    name: string;
    period_minutes: number;
    /** From when on (Unix seconds) periods last how long, the first length first. */
    period_lengths: PeriodLength[];
    legal_basis: "simulation" | "private_network" | "licensed";
    retail_tariff: number;
    feed_in_tariff: number;
    /** What a buyer pays on top of the price of each traded kWh, where the hub says it. */
    fees_cents_per_kwh?: number;
  };
  /** The hub's clock in Unix seconds; may be simulated, so the browser's clock is never used instead. */
  now: number;
  households: LiveHousehold[];
  clearing: Clearing | null;
  flows: Flow[];
  today: {
    generated_wh: number;
    consumed_wh: number;
    traded_wh: number;
    minted_wh: number;
    burned_wh: number;
    turnover_cents: number;
    paid_in_cents: number;
    paid_out_cents: number;
  };
  ledger: { trust_cash_cents: number; owed_cents: number; ekwh_outstanding_wh: number; is_balanced: boolean };
  chain: { cluster: string; slot: number; supply_wh: number; pending: number; mint: string };
  payments_open: number;
  reviews_open: number;
}

export interface Household {
  household: string;
  name: string;
  status: string;
  role: string;
  phone_masked: string;
  address: string;
  account: string;
  meter: string;
  rated_pv_w: number;
  wallet: Record<"kes_cents" | "kes_held_cents" | "ekwh_wh" | "ekwh_held_wh", number>;
  net_w: number | null;
  last_reading_at: number | null;
  quarantined: number;
  sold_wh: number;
  bought_wh: number;
  earned_cents: number;
  spent_cents: number;
  sell_at_least: number | null;
  buy_at_most: number | null;
  signatures: number;
  signatures_needed: number;
  /** Basis points, 0 to 10 000. */
  reputation: number;
  /** Why, in one English sentence; `reputation_facts` has its numbers. */
  reputation_reason: string;
  reputation_facts: Record<"contracts" | "promised_wh" | "delivered_wh" | "top_ups" | "paid" | "ended" | "cancelled", number>;
}

export interface Period extends Clearing {
  /** `open` until the market has met; anything else means the figures stand. */
  state: string;
}

export interface PeriodOrder {
  household: string;
  side: "sell" | "buy";
  wh: number;
  limit: number;
}

export interface PeriodDetail extends Period {
  orders: PeriodOrder[];
  trades: { seller: string; buyer: string; wh: number; cents: number }[];
}

export interface Trade {
  id: number;
  market: "period" | "partner" | "ahead" | "spot" | "auction";
  reference: string;
  seller: string;
  buyer: string;
  wh: number;
  cents_per_kwh: number;
  cents: number;
  at: number;
}

export type BookLine = { household: string } & Record<"cents_per_kwh" | "wh", number>;

export interface Auction {
  id: string;
  seller: string;
  wh: number;
  start_price: number;
  best_bid: number | null;
  leader: string | null;
  ends_at: number;
  state: string;
}

export interface Market {
  book: { sell: BookLine[]; buy: BookLine[] };
  auctions: Auction[];
}

/** The hours from `from` until `until` (1 to 24, may be past midnight) of an average day, and what is left or lacking in them. */
export type Hours = Record<"from" | "until" | "wh", number>;

/** Advice on limits and on when to use energy; nothing in it ever clears a market. */
export interface Advice {
  guidance: {
    key: "too_little_data" | "no_room" | "nothing_recent" | "above_week" | "like_week" | "below_week";
    numbers: Record<string, number>;
    suggested_sell: number | null;
    suggested_buy: number | null;
    week_average: number | null;
  };
  /** What prices may do, in cents per kWh, and what share of the need there was in percent; null where nobody knows. */
  outlook: {
    worth_now: number | null;
    by_hour: (number | null)[];
    dearest_hour: number | null;
    cheapest_hour: number | null;
    given_percent: number | null;
  };
  balancing: {
    days: number;
    needed: number;
    surplus: Hours | null;
    shortage: Hours | null;
    /** Wh that meet all demand of the shortage's hours at the least cost. */
    mix: Partial<Record<"neighbours" | "battery" | "grid", number>>;
    worth: number | null;
  };
}

/** The community's fund: what it holds, by which policy it pays, and the last days with rewards, newest first. */
export interface Fund {
  fund_cents: number;
  policy: Record<"cents_per_kwh" | "fund_percent" | "premium_percent" | "peak_from" | "peak_until", number> | null;
  rewards: ({ day: string } & Record<"households" | "export_wh" | "earned_cents" | "paid_cents", number>)[];
}

export interface Posting {
  account: string;
  currency: "KES" | "eKWh";
  /** Cents or Wh; liabilities positive, `trust_cash` and `minted` negative. */
  amount: number;
}

export interface Entry {
  id: number;
  at: number;
  source: string;
  external_id: string;
  text: string;
  postings: Posting[];
}

/** What an entry did to an account, and what the account held then: cents or Wh. */
export interface AccountMove {
  id: number;
  at: number;
  booked_at: number;
  source: string;
  external_id: string;
  text: string;
  amount: number;
  balance: number;
}

/** The closed days, newest first, and the first that is not what it was closed with, in words. */
export interface ClosedDays {
  days: { day: string; entries: number; first_entry: number | null; last_entry: number | null; hash: string }[];
  lies: string[];
}

export interface TrialBalance {
  accounts: { account: string; currency: "KES" | "eKWh"; balance: number }[];
  is_balanced: boolean;
}

export interface Intent {
  number: number;
  id: string;
  kind: string;
  state: string;
  signature: string | null;
  fee_lamports: number | null;
  created_at: number;
  finished_at: number | null;
  error: string | null;
  /** What a household signed; null for the hub's own transactions. */
  signed: "order" | "auction" | "allowance" | null;
  household: string | null;
  wh: number | null;
}

export interface Chain {
  cluster: string;
  version: string;
  slot: number;
  mint: string;
  escrow: string;
  supply_wh: number;
  ledger_wh: number;
  minted_wh: number;
  burned_wh: number;
  escrow_wh: number;
  custody: string;
  /** The hub's key, which pays. */
  fee_payer: string;
  /** The program that mints where the community was founded with the trust mode; null: the 2-of-3 does. */
  trust_program: string | null;
  /** The lost key that alone could burn and pause; null when none is lost. */
  lost_hub: string | null;
}

/** What can be done about a review beyond a note; the hub says which of them a review has. */
export type ReviewAction =
  | "try_again"
  | "ask_again"
  | "send_again"
  | "pay_again"
  | "give_back"
  | "credit"
  | "close_unpaid"
  | "paid"
  | "not_paid"
  | "assign"
  | "reversed"
  | "not_reversed"
  | "let_in"
  | "turn_away"
  | "resume_payouts"
  | "book";

export interface Decision {
  note: string;
  action?: ReviewAction;
  receipt?: string;
  /** Whole KES. */
  kes?: number;
  household?: string;
}

export interface Review {
  id: number;
  kind: string;
  subject: string;
  evidence: Record<string, unknown>;
  opened_at: number;
  state: "open" | "resolved";
  resolution: string | null;
  actions: ReviewAction[];
}

/** The hub refused or could not be reached; `message` is fit to show. */
export class HubProblem extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The hub's word for it, for programs. */
    readonly code = "",
  ) {
    super(message);
  }
}

const BASE = "/api/v1/console";

export class HubApi {
  #csrf = "";

  /** `onSignedOut` is called when the hub no longer knows our session. */
  constructor(private readonly onSignedOut: () => void) {}

  /** The present session, or null when nobody is signed in. */
  async session(): Promise<Session | null> {
    const session = await this.#request<Session | null>("GET", "/session", undefined, true);
    return session === null ? null : this.#keep(session);
  }

  /** `code` is that of the authenticator app, for who has set one up. */
  async signIn(user: string, password: string, code: string | null): Promise<Session> {
    return this.#keep(await this.#request<Session>("POST", "/sign-in", { user, password, ...(code === null ? {} : { code }) }, true));
  }

  beginPasskeySignIn = (): Promise<PasskeyOptions> => this.#request("POST", "/sign-in/passkey/begin", {}, true);

  async signInByPasskey(credential: SignedPasskey): Promise<Session> {
    return this.#keep(await this.#request<Session>("POST", "/sign-in/passkey", { credential }, true));
  }

  async signOut(): Promise<void> {
    await this.#request("POST", "/sign-out", {});
    this.#csrf = "";
  }

  overview = (): Promise<Overview> => this.#request("GET", "/overview");

  households = (choice: Choice, wanted: Wanted): Promise<Part<Household>> => this.#part(chosen("/households", choice), "households", wanted);

  household = (household: string): Promise<Household> => this.#request("GET", `/households/${encodeURIComponent(household)}`);

  /** Newest first. */
  periods = async (limit = 96): Promise<Period[]> => (await this.#request<{ periods: Period[] }>("GET", `/periods?limit=${limit}`)).periods;

  partOfPeriods = (wanted: Wanted): Promise<Part<Period>> => this.#part("/periods", "periods", wanted);

  period = (period: string): Promise<PeriodDetail> => this.#request("GET", `/periods/${encodeURIComponent(period)}`);

  trades = (wanted: Wanted): Promise<Part<Trade>> => this.#part("/trades", "trades", wanted);

  market = (): Promise<Market> => this.#request("GET", "/market");

  advice = (): Promise<Advice> => this.#request("GET", "/advice");

  fund = (): Promise<Fund> => this.#request("GET", "/ledger/fund");

  entries = (wanted: Wanted): Promise<Part<Entry>> => this.#part("/ledger/entries", "entries", wanted);

  accountMoves = (account: string, wanted: Wanted): Promise<Part<AccountMove>> =>
    this.#part(`/ledger/accounts/${encodeURIComponent(account)}/statement`, "moves", wanted);

  closedDays = (): Promise<ClosedDays> => this.#request("GET", "/ledger/days");

  trialBalance = (): Promise<TrialBalance> => this.#request("GET", "/ledger/trial-balance");

  chain = (): Promise<Chain> => this.#request("GET", "/chain");

  intents = (wanted: Wanted, kind: string | null): Promise<Part<Intent>> => this.#part(`/chain/intents${kind === null ? "" : `?kind=${kind}`}`, "intents", wanted);

  /** One of the community's transactions in base64, as the hub has it from the chain. */
  transaction = async (signature: string): Promise<string> =>
    (await this.#request<{ transaction: string }>("GET", `/chain/transactions/${signature}`)).transaction;

  /** What is published for everybody about the mints of a period, and about the token. */
  mintsOf = (community: string, period: string): Promise<[Head, Evidence]> => {
    const base = `/api/v1/communities/${encodeURIComponent(community)}/readings`;
    return Promise.all([this.#public<Head>(base), this.#public<Evidence>(`${base}/${encodeURIComponent(period)}`)]);
  };

  reviews = async (): Promise<Review[]> => (await this.#request<{ reviews: Review[] }>("GET", "/reviews")).reviews;

  /** Has M-Pesa asked now; the case stays open for its answer. */
  askAgain = (id: number): Promise<unknown> => this.#request("POST", `/reviews/${id}/resolve`, { action: "ask_again" });

  resolveReview = (id: number, decision: Decision): Promise<unknown> => this.#request("POST", `/reviews/${id}/resolve`, decision);

  mpesa = (): Promise<MpesaState> => this.#request("GET", "/mpesa");

  receipts = (wanted: Wanted): Promise<Part<Receipt>> => this.#part("/mpesa/receipts", "receipts", wanted);

  paymentIntents = (wanted: Wanted, standing: Standing | null): Promise<Part<PaymentIntent>> =>
    this.#part(`/mpesa/intents${standing === null ? "" : `?state=${standing}`}`, "intents", wanted);

  payouts = (wanted: Wanted, standing: Standing | null): Promise<Part<Payout>> =>
    this.#part(`/mpesa/payouts${standing === null ? "" : `?state=${standing}`}`, "payouts", wanted);

  reconciliations = async (): Promise<Reconciliation[]> =>
    (await this.#request<{ reconciliations: Reconciliation[] }>("GET", "/mpesa/reconciliations")).reconciliations;

  takeStatement = (csv: Blob): Promise<Comparison> => this.#request("POST", "/mpesa/statements", csv);

  payOut = (household: string, reason: string): Promise<{ kes: number }> =>
    this.#request("POST", `/mpesa/households/${encodeURIComponent(household)}/payout`, { reason });

  reverse = (receipt: string, reason: string): Promise<unknown> => this.#request("POST", `/mpesa/receipts/${encodeURIComponent(receipt)}/reverse`, { reason });

  meters = (choice: Choice, wanted: Wanted): Promise<Part<Meter>> => this.#part(chosen("/meters", choice), "meters", wanted);

  waitingMeters = async (): Promise<WaitingMeter[]> => (await this.#request<{ waiting: WaitingMeter[] }>("GET", "/meters/waiting")).waiting;

  quarantine = (wanted: Wanted): Promise<Part<QuarantinedFrame>> => this.#part("/meters/quarantine", "frames", wanted);

  askEpoch = (household: string, frame: string, reason: string): Promise<unknown> => this.#request("POST", `/meters/${household}/epoch`, { frame, reason });

  relays = (choice: Choice, wanted: Wanted): Promise<Part<Relay>> => this.#part(chosen("/relays", choice), "relays", wanted);

  markRelay = (household: string, marks: RelayMarks): Promise<unknown> => this.#request("POST", `/relays/${household}`, marks);

  audit = (wanted: Wanted): Promise<Part<Act>> => this.#part("/audit", "acts", wanted);

  proposals = (): Promise<Proposals> => this.#request("GET", "/proposals");

  propose = (wish: Wish): Promise<unknown> => this.#request("POST", "/proposals", wish);

  withdrawProposal = (proposal: string, reason: string): Promise<unknown> =>
    this.#request("POST", `/proposals/${encodeURIComponent(proposal)}/withdraw`, { reason });

  pauseChain = (isPaused: boolean, reason: string): Promise<unknown> => this.#request("POST", isPaused ? "/chain/pause" : "/chain/resume", { reason });

  settings = (): Promise<Settings> => this.#request("GET", "/settings");

  changeSettings = (wish: SettingsWish): Promise<unknown> => this.#request("POST", "/settings", wish);

  memberFile = (household: string): Promise<MemberFile> => this.#request("GET", `/members/${household}`);

  recordDocument = (household: string, kind: string, number: string): Promise<unknown> => this.#request("POST", `/members/${household}/document`, { kind, number });

  recordSite = (household: string, transformer: string, feeder: string): Promise<unknown> => this.#request("POST", `/members/${household}/site`, { transformer, feeder });

  noteNetMetering = (household: string, isOn: boolean, contract: string): Promise<unknown> =>
    this.#request("POST", `/members/${household}/net-metering`, { is_on: isOn, contract });

  recordConsent = (household: string, version: string): Promise<unknown> => this.#request("POST", `/members/${household}/consent`, { version });

  confirmPhone = (household: string, how: "payment" | "operator"): Promise<unknown> => this.#request("POST", `/members/${household}/phone`, { how });

  letLeave = (household: string, reason: string): Promise<unknown> => this.#request("POST", `/members/${household}/leave`, { reason });

  personalData = async (household: string, reason: string, format: "json" | "csv"): Promise<Blob> =>
    (await this.#send("POST", `/members/${household}/personal-data`, { reason, format })).blob();

  invoicesOf = (household: string): Promise<ListedInvoice[]> => this.#request("GET", `/members/${household}/invoices`);

  phonesOf = async (household: string): Promise<PairedPhone[]> =>
    (await this.#request<{ phones: PairedPhone[] }>("GET", `/phones?household=${encodeURIComponent(household)}`)).phones;

  revokePhone = (id: string, reason: string): Promise<unknown> => this.#request("POST", `/phones/${encodeURIComponent(id)}/revoke`, { reason });

  months = (): Promise<string[]> => this.#request("GET", "/months");

  withdrawSettings = (id: number, reason: string): Promise<unknown> => this.#request("POST", `/settings/${id}/withdraw`, { reason });

  health = (): Promise<Health> => this.#request("GET", "/health");

  sessions = async (): Promise<LastingSession[]> => (await this.#request<{ sessions: LastingSession[] }>("GET", "/sessions")).sessions;

  endSession = (id: string): Promise<unknown> => this.#request("POST", `/sessions/${id}/end`, {});

  tokens = async (): Promise<Token[]> => (await this.#request<{ tokens: Token[] }>("GET", "/tokens")).tokens;

  /** The token is told this once. */
  makeToken = (name: string, scopes: Scope[], days: number): Promise<{ id: string; token: string }> =>
    this.#request("POST", "/tokens", { name, scopes, days });

  revokeToken = (id: string): Promise<unknown> => this.#request("POST", `/tokens/${id}/revoke`, {});

  passkeys = (): Promise<Passkeys> => this.#request("GET", "/passkeys");

  beginPasskey = (): Promise<PasskeyOptions> => this.#request("POST", "/passkeys/begin", {});

  keepPasskey = (name: string, credential: SignedPasskey): Promise<unknown> =>
    this.#request("POST", "/passkeys", { name, credential }, true);

  removePasskey = (id: string): Promise<unknown> => this.#request("POST", `/passkeys/${id}/remove`, {});

  beginFactor = (): Promise<NewFactor> => this.#request("POST", "/second-factor", {});

  confirmFactor = (code: string): Promise<unknown> => this.#request("POST", "/second-factor/confirm", { code }, true);

  removeFactor = (code: string): Promise<unknown> => this.#request("POST", "/second-factor/remove", { code }, true);

  /** Opens the push channel; every message is a whole `Overview`. */
  openLive(): WebSocket {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return new WebSocket(`${scheme}://${location.host}${BASE}/live`);
  }

  #keep(session: Session): Session {
    this.#csrf = session.csrf;
    return session;
  }

  async #public<T>(path: string): Promise<T> {
    const answer = await fetch(path, { credentials: "omit" }).catch(() => {
      throw new HubProblem(0, "unreachable");
    });
    if (!answer.ok) throw await problemOf(answer);
    return (await answer.json()) as T;
  }

  async #part<T>(path: string, name: string, { limit, before, skip, isCounted }: Wanted): Promise<Part<T>> {
    const asked = new URLSearchParams({ limit: String(limit) });
    if (before !== null) asked.set("before", before);
    if (skip > 0) asked.set("skip", String(skip));
    if (isCounted) asked.set("count", "1");
    const answer = await this.#request<Record<string, T[]> & Omit<Part<T>, "items">>("GET", `${path}${path.includes("?") ? "&" : "?"}${asked.toString()}`);
    return { items: answer[name] ?? [], total: answer.total, counts: answer.counts ?? null };
  }

  /** `isAnswering`: a 401 is about a password or code that was just typed, not about the session. */
  async #request<T>(method: "GET" | "POST", path: string, body?: object, isAnswering = false): Promise<T> {
    const answer = await this.#send(method, path, body, isAnswering);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  async #send(method: "GET" | "POST", path: string, body?: object, isAnswering = false): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") {
      headers["X-CSRF-Token"] = this.#csrf;
      headers["Idempotency-Key"] = newKey();
    }
    if (body) headers["Content-Type"] = body instanceof Blob ? "text/csv" : "application/json";
    const sent: RequestInit = { method, headers, credentials: "same-origin", body: body instanceof Blob ? body : body ? JSON.stringify(body) : null };
    // A connection may break after the hub has heard: with its key a change can be sent once more, and is done once.
    const answer = await fetch(BASE + path, sent)
      .catch(() => fetch(BASE + path, sent))
      .catch(() => {
        throw new HubProblem(0, "unreachable");
      });
    if (answer.status === 401 && !isAnswering) this.onSignedOut();
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }
}

/** The address of a list of households as somebody wants it. */
function chosen(path: string, { words, standing, sort }: Choice): string {
  const asked = new URLSearchParams({ sort });
  if (words !== "") asked.set("q", words);
  if (standing !== null) asked.set("state", standing);
  return `${path}?${asked.toString()}`;
}

/** A key that no other change has; randomUUID is only there over HTTPS. */
const newKey = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, "0")).join("");

async function problemOf(answer: Response): Promise<HubProblem> {
  try {
    const problem = (await answer.json()) as { detail?: unknown; title?: unknown; code?: unknown };
    const code = typeof problem.code === "string" ? problem.code : "";
    if (typeof problem.detail === "string") return new HubProblem(answer.status, problem.detail, code);
    if (typeof problem.title === "string") return new HubProblem(answer.status, problem.title, code);
  } catch {
    // Not JSON: a proxy answered, so the status line is all we know.
  }
  return new HubProblem(answer.status, `${answer.status} ${answer.statusText}`.trim());
}
