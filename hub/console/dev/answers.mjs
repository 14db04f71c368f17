// The console API's answers for the made-up neighbourhood. Not shipped.
import { clearPeriod, COMMUNITY, powerOf, randomness, settledPeriods } from "./community.mjs";

const sum = (values) => values.reduce((total, value) => total + value, 0);
const base58 = (random, length) => Array.from({ length }, () => "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[Math.floor(random() * 58)]).join("");
/** Every fifth household is new; of the others the score follows from the facts as at the hub. */
const standing = (index) => {
  const [top_ups, ended] = index % 5 === 4 ? [0, 0] : [3 + (index % 9), 5 + (index % 14)];
  const [paid, cancelled] = [Math.max(0, top_ups - (index % 3 === 2 ? 2 : 0)), Math.min(ended, index % 4 === 1 ? 3 : 0)];
  const kept = 8 + 2 * paid + ended - cancelled;
  return {
    reputation: Math.round((10_000 * kept) / (10 + 2 * top_ups + ended)),
    reputation_reason: top_ups > 0 ? `In the last 90 days: paid ${paid} of ${top_ups} top-ups, cancelled ${cancelled} of ${ended} orders and auctions.` : "Nothing is known yet, and everybody starts at 80 %.",
    reputation_facts: { contracts: 0, promised_wh: 0, delivered_wh: 0, top_ups, paid, ended, cancelled },
  };
};
const midnight = (unix) => Math.floor((unix + 10800) / 86400) * 86400 - 10800;

export function answers(community, clock) {
  const reviews = makeReviews(clock());
  const history = (count = 96) => settledPeriods(community, clock(), count);
  const bare = ({ period, state, cents_per_kwh, supply_wh, demand_wh, traded_wh, settled_at }) => ({ period, state, cents_per_kwh, supply_wh, demand_wh, traded_wh, settled_at });
  const trades = () => {
    const periods = history(30);
    return periods
      .flatMap((one) => one.trades.map((trade) => ({ market: "period", reference: one.period, cents_per_kwh: one.cents_per_kwh, at: one.settled_at, ...trade })))
      .map((trade, index, all) => ({ ...trade, id: 40_000 - index + (all.length > 0 ? 0 : 0), market: index % 17 === 5 ? "spot" : index % 29 === 8 ? "auction" : "period" }));
  };
  const entries = () => {
    const kesOf = (household, cents, other) => [{ account: `${household}:kes`, currency: "KES", amount: cents }, { account: other, currency: "KES", amount: -cents }];
    const others = [
      { source: "mpesa", external_id: "SKJ4H7T2QX", text: "top-up", postings: kesOf("h-001", 50_000, "trust_cash") },
      { source: "mpesa", external_id: "SKJ4H7T2QZ", text: "payout 2026-11-19/h-012 arrived", postings: [{ account: "payout_pending", currency: "KES", amount: -81_500 }, { account: "trust_cash", currency: "KES", amount: 81_500 }] },
      { source: "payout", external_id: "2026-11-19/h-012", text: "payout of KES 810", postings: kesOf("h-012", -81_500, "payout_pending") },
      { source: "hold", external_id: "order-1", text: "spot sale", postings: [{ account: "h-001:ekwh", currency: "eKWh", amount: -500 }, { account: "h-001:ekwh_held", currency: "eKWh", amount: 500 }] },
      { source: "release_hold", external_id: "order-2", text: "bought below the limit", postings: [{ account: "h-004:kes_held", currency: "KES", amount: -120 }, { account: "h-004:kes", currency: "KES", amount: 120 }] },
      { source: "reward", external_id: "2026-11-19", text: "grid rewards of 2026-11-19", postings: [...kesOf("h-001", 410, "fund"), ...kesOf("h-006", 233, "fund")] },
      { source: "fund", external_id: "2026-11-19", text: "fund of 2026-11-19", postings: [{ account: "fees", currency: "KES", amount: -1240 }, { account: "fund", currency: "KES", amount: 1240 }] },
      { source: "spot", external_id: "a/b", text: "spot: 400 Wh from h-001 to h-004", postings: [{ account: "h-001:kes", currency: "KES", amount: 700 }, { account: "h-004:kes_held", currency: "KES", amount: -700 }, { account: "h-001:ekwh_held", currency: "eKWh", amount: -400 }, { account: "h-004:ekwh", currency: "eKWh", amount: 400 }] },
    ];
    const rows = history(40).flatMap((one, index) => {
      const kes = one.trades.flatMap((trade) => [{ account: `${trade.buyer}:kes`, currency: "KES", amount: -trade.cents }, { account: `${trade.seller}:kes`, currency: "KES", amount: trade.cents }]);
      const tokens = one.supply_wh > 0 ? [{ account: "minted", currency: "eKWh", amount: -one.supply_wh }, { account: "burned", currency: "eKWh", amount: one.traded_wh }, { account: "h-001:ekwh", currency: "eKWh", amount: one.supply_wh - one.traded_wh }] : [];
      const period = { source: "period", external_id: one.period, text: `period ${one.period}`, postings: [...kes, ...tokens].filter((leg) => leg.amount !== 0) };
      return [...(index < others.length ? [others[index]] : []), period].map((row) => ({ ...row, at: one.settled_at }));
    });
    return rows.map((row, index) => ({ ...row, id: 40_000 - index }));
  };
  const slice = (name, rows) => (query) => {
    const before = Number(query.get("before") ?? Infinity);
    const limit = Number(query.get("limit") ?? 100);
    const skip = Number(query.get("skip") ?? 0);
    const all = rows();
    const rest = all.filter((row) => (row.id ?? row.number) < before);
    return { [name]: rest.slice(skip, skip + limit), next: null, total: all.length };
  };
  const supply = 214_380;
  return {
    overview: () => {
      const now = clock();
      const periods = history(48);
      const today = periods.filter((one) => one.start >= midnight(now));
      const [last] = periods;
      const steps = Math.floor((now - midnight(now)) / 600);
      const generated = sum(community.households.map((house) => sum(Array.from({ length: steps }, (_, i) => (powerOf(house, midnight(now) + i * 600).generation ?? 0) / 6))));
      const exported = sum(today.map((one) => one.supply_wh));
      return {
        community: COMMUNITY,
        now,
        households: community.households.map((house) => {
          const { generation, net } = powerOf(house, now);
          const isKnown = house.status === "admitted" && !house.isSilent;
          return {
            household: house.household, name: house.name, status: house.status, net_w: isKnown ? net : null, generation_w: isKnown ? (generation ?? 0) : null,
            rated_pv_w: house.pv, at: isKnown ? now - 1 : null, last_net_wh: last.nets.get(house.household) ?? null,
          };
        }),
        clearing: { ...bare(last) },
        flows: last.trades.map(({ seller, buyer, wh }) => ({ seller, buyer, wh })),
        today: {
          generated_wh: Math.round(generated), consumed_wh: Math.round(generated * 0.86 + 9000), traded_wh: sum(today.map((one) => one.traded_wh)), minted_wh: exported,
          burned_wh: sum(today.map((one) => one.traded_wh)), turnover_cents: sum(today.flatMap((one) => one.trades.map((trade) => trade.cents))), paid_in_cents: 385_000, paid_out_cents: 124_050,
        },
        ledger: { trust_cash_cents: 2_418_350, owed_cents: 2_418_350, ekwh_outstanding_wh: supply, is_balanced: true },
        chain: { cluster: "localnet", slot: 284_113 + Math.floor(now % 100_000 / 0.4), supply_wh: supply, pending: 1, mint: community.mint },
        payments_open: 2,
        reviews_open: reviews.filter((review) => review.state === "open").length,
      };
    },
    households: (query) => ({
      total: community.households.length,
      counts: { all: community.households.length },
      households: community.households.slice(query.get("before") === null ? 0 : Infinity).map((house, index) => {
        const now = clock();
        const { net } = powerOf(house, now);
        const isKnown = house.status === "admitted" && !house.isSilent;
        const volume = Math.round(house.kes / 9);
        return {
          household: house.household, name: house.name, status: house.status, role: house.pv ? "prosumer" : "consumer", phone_masked: `2547•••••${String(100 + index * 37).slice(-3)}`,
          address: house.address, account: house.account, meter: house.meter, rated_pv_w: house.pv,
          wallet: { kes_cents: house.kes, kes_held_cents: index % 4 === 0 ? 15_000 : 0, ekwh_wh: house.pv ? volume : 0, ekwh_held_wh: house.pv && index % 3 === 0 ? 2400 : 0 },
          net_w: isKnown ? net : null, last_reading_at: house.status === "applied" ? null : house.isSilent ? now - 5400 : now - 38, quarantined: index === 6 ? 3 : 0,
          sold_wh: house.pv ? volume * 3 : 0, bought_wh: house.pv ? Math.round(volume / 4) : volume * 2, earned_cents: house.pv ? Math.round(volume * 3 * 1.7) : 0, spent_cents: house.pv ? Math.round(volume * 0.4) : Math.round(volume * 3.5),
          sell_at_least: house.pv ? house.sell : null, buy_at_most: index % 7 === 3 ? null : house.buy, signatures: house.status === "applied" ? 1 : 2, signatures_needed: 2,
          ...standing(index),
        };
      }),
    }),
    periods: (query) => {
      const skip = Number(query.get("skip") ?? 0);
      const rows = history(480).map(bare).filter((one) => one.period < (query.get("before") ?? "9"));
      return { periods: rows.slice(skip, skip + Number(query.get("limit") ?? 96)), total: rows.length };
    },
    period: (name) => {
      const one = clearPeriod(community, Date.parse(name) / 1000);
      return { ...bare(one), orders: one.orders, trades: one.trades };
    },
    trades: slice("trades", trades),
    market: () => ({
      book: {
        sell: [{ cents_per_kwh: 1890, wh: 3200, household: "h-001" }, { cents_per_kwh: 1950, wh: 1500, household: "h-006" }, { cents_per_kwh: 2000, wh: 6400, household: "h-011" }, { cents_per_kwh: 2125, wh: 900, household: "h-002" }],
        buy: [{ cents_per_kwh: 1800, wh: 2000, household: "h-004" }, { cents_per_kwh: 1750, wh: 5000, household: "h-020" }, { cents_per_kwh: 1600, wh: 1200, household: "h-009" }],
      },
      auctions: [
        { id: "0198c1f2-7b1e-7c60-9a54-2f3f1f5a1c11", seller: "h-011", wh: 8000, start_price: 1500, best_bid: 1825, leader: "h-024", ends_at: clock() + 1420, state: "open" },
        { id: "0198c1f2-7b1e-7c60-9a54-2f3f1f5a1c12", seller: "h-002", wh: 4000, start_price: 1600, best_bid: null, leader: null, ends_at: clock() + 5300, state: "open" },
        { id: "0198c1f2-7b1e-7c60-9a54-2f3f1f5a1c10", seller: "h-006", wh: 3000, start_price: 1400, best_bid: 1710, leader: "h-003", ends_at: clock() - 9300, state: "sold" },
      ],
    }),
    advice: () => ({
      outlook: { worth_now: 1830, by_hour: Array.from({ length: 24 }, (_, at) => 1700 + 40 * Math.abs(at - 12)), dearest_hour: 0, cheapest_hour: 12, given_percent: 140, sentences: [] },
      guidance: { sentence: "Prices are 15 % below the week's average.", key: "below_week", numbers: { percent: 15 }, suggested_sell: 1520, suggested_buy: 1905, week_average: 2015, now_against_week_percent: -15 },
      balancing: { sentences: [], days: 7, needed: 3, surplus: { from: 10, until: 14, wh: 32_400 }, shortage: { from: 18, until: 21, wh: 51_200 }, mix: { neighbours: 8400, battery: 29_160, grid: 22_040 }, worth: 2140 },
    }),
    "ledger/fund": () => ({
      fund_cents: 41_230, policy: { cents_per_kwh: 200, fund_percent: 20, premium_percent: 150, peak_from: 18, peak_until: 22 },
      rewards: Array.from({ length: 6 }, (_, index) => {
        const earned = 5230 + ((index * 1733) % 4100);
        return { day: new Date((clock() - (index + 1) * 86_400) * 1000).toISOString().slice(0, 10), households: 9 + (index % 3), export_wh: 61_000 + ((index * 7919) % 20_000), earned_cents: earned, paid_cents: Math.min(earned, 6900) };
      }),
    }),
    "ledger/entries": slice("entries", entries),
    "ledger/trial-balance": () => {
      const households = community.households.flatMap((house) => [
        { account: `${house.household}:kes`, currency: "KES", balance: house.kes },
        ...(house.pv ? [{ account: `${house.household}:ekwh`, currency: "eKWh", balance: Math.round(house.kes / 9) }] : []),
      ]);
      const total = (currency) => sum(households.filter((row) => row.currency === currency).map((row) => row.balance));
      return {
        accounts: [
          { account: "trust_cash", currency: "KES", balance: -(total("KES") + 12_345 + 118) }, { account: "fees", currency: "KES", balance: 12_345 }, { account: "rounding", currency: "KES", balance: 118 },
          { account: "minted", currency: "eKWh", balance: -(total("eKWh") + 845_200) }, { account: "burned", currency: "eKWh", balance: 845_200 }, ...households,
        ],
        is_balanced: true,
      };
    },
    proposals: () => ({
      proposals: [
        {
          proposal: "suspend:h-004:7", kind: "suspend", household: "h-004", name: "Household 4", reason: "The meter was opened.", asked_by: "wanjiru", asked_at: clock() - 5400,
          state: "open", is_under_way: true, signatures: [base58(randomness(13), 44)], needed: 2,
        },
      ],
      devices: [], approvers: [1, 2, 3].map((seed) => base58(randomness(seed), 44)), needed: 2, is_paused: false,
      hub: { key: base58(randomness(12), 44), before: [], next: base58(randomness(14), 44), is_lost: false, can_pause: true },
    }),
    chain: () => {
      const now = clock();
      return {
        cluster: "localnet", version: "4.0.2", slot: 284_113 + Math.floor(now % 100_000 / 0.4), mint: community.mint, escrow: community.escrow, supply_wh: supply, ledger_wh: supply,
        minted_wh: 1_059_580, burned_wh: 845_200, escrow_wh: 18_400, fee_payer: base58(randomness(12), 44), lost_hub: null,
        custody: "Mint and escrow need two of three keys; this hub holds one, the verifiers' office one, and one is in the co-operative's safe.",
      };
    },
    "chain/intents": slice("intents", () => {
      const random = randomness(11);
      const now = clock();
      const kinds = ["mint_period", "burn_period", "mint_period", "admit", "release", "household_transaction"];
      return Array.from({ length: 18 }, (_, index) => ({
          number: 18 - index, ...intentOf(kinds[index % kinds.length], hexOf(random), index), state: index === 0 ? "sent" : index === 7 ? "failed" : "confirmed", signature: index === 7 ? null : base58(random, 88),
          fee_lamports: index === 7 ? null : 15_000, created_at: now - index * 900 - 20, finished_at: index === 0 ? null : now - index * 900 - 5, error: index === 7 ? "Blockhash expired before the second signer answered; the intent was built again." : null,
        }));
    }),
    reviews: () => ({ reviews }),
    resolve: (id, { note, action, receipt, kes }) => {
      const review = reviews.find((one) => one.id === id && one.state === "open");
      if (!review) return { problem: [404, `review ${id} is not open`] };
      if (action && !review.actions.includes(action)) return { problem: [422, `${action} cannot be done here (any more); look at the reviews again`] };
      if (receipt === "SKJ4H7T2QX") return { problem: [409, `The receipt ${receipt} is in the books already.`] };
      const done = { credit: `credited KES ${kes} by receipt ${receipt}: `, paid: `closed as paid by receipt ${receipt}: `, try_again: `tried again as ${review.subject}.2: ` }[action] ?? "";
      return Object.assign(review, { state: "resolved", resolution: done + note, actions: [] });
    },
  };
}

function intentOf(kind, key, index) {
  const order = `0198c1f2-7b1e-7c60-9a54-${key}`;
  const period = `2026-11-20T${String(11 - Math.floor(index / 2)).padStart(2, "0")}:${index % 2 ? "00" : "30"}Z`;
  const signed = ["order", "allowance", "auction"][index % 3];
  return {
    mint_period: { kind, id: `mint:${period}`, signed: null, household: null, wh: 7480 },
    burn_period: { kind, id: `burn:${period}`, signed: null, household: null, wh: 3270 },
    admit: { kind, id: "admit:h-005", signed: null, household: "h-005", wh: null },
    release: { kind, id: `release:${order}`, signed: null, household: "h-004", wh: 400 },
    household_transaction: { kind, id: `${signed === "allowance" ? "allow" : "lock"}:${order}`, signed, household: "h-001", wh: signed === "allowance" ? 50_000 : 500 },
  }[kind];
}

const hexOf = (random) => Array.from({ length: 12 }, () => Math.floor(random() * 16).toString(16)).join("");

function makeReviews(now) {
  return [
    {
      id: 6, kind: "top_up_unresolved", subject: "5d0c7f3a9b1e42e0a7c8d9e0f1a2b3c4", opened_at: now - 4200, state: "open", resolution: null, actions: ["credit", "close_unpaid"],
      evidence: { reference: "ESK7MP2QXWHD", last_state: "unknown", kes: 500 },
    },
    {
      id: 5, kind: "payout_result_missing", subject: "2026-11-19/h-012", opened_at: now - 5100, state: "open", resolution: null, actions: ["paid", "not_paid"],
      evidence: { kes: 810, originator_conversation_id: "es7f3a9b1e42e0a7c8d9", attempts: 1 },
    },
    {
      id: 4, kind: "chain failed", subject: "burn:2026-11-20T09:30Z.h-004", opened_at: now - 6300, state: "open", resolution: null, actions: ["try_again"],
      evidence: { kind: "burn_period", error: 'insufficient funds, or more than the allowance ({"InstructionError": [1, {"Custom": 1}]})', signature: null },
    },
    {
      id: 3, kind: "unknown payer", subject: "SKJ4H7T2QX", opened_at: now - 7200, state: "open", resolution: null, actions: [],
      evidence: { household: "h-031", cents: 50_000, receipt: "SKJ4H7T2QX" },
    },
    { id: 1, kind: "payout_result_unclear", subject: "2026-11-18/h-012", opened_at: now - 90_000, state: "resolved", resolution: "closed as paid by receipt SKH2P0LM4A: found in the portal", actions: [], evidence: { kes: 810, code: "77", attempts: 1 } },
  ];
}
