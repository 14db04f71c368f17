// A made-up neighbourhood for looking at the console while working on it: deterministic, shaped like the hub's API. Not shipped.

const NAMES = [
  "Amina Wanjiru", "Otieno Ouma", "Grace Achieng", "Kiprono Bett", "Fatuma Hassan", "Mwangi Kamau", "Naliaka Wekesa", "Juma Mwakio", "Wambui Njoroge",
  "Chebet Kosgei", "St. Brigid Primary School", "Nyambura Maina", "Kahindi Ngala", "Akinyi Odhiambo", "Barasa Simiyu", "Halima Abdi", "Muthoni Gitau",
  "Kipchoge Ruto", "Moraa Nyaboke", "Duka la Salama", "Wanyama Shiundu", "Zawadi Charo", "Ndegwa Karanja", "Lolwe Clinic",
];
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A small seeded generator, so that every start shows the same neighbourhood. */
export function randomness(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const base58 = (random, length) => Array.from({ length }, () => ALPHABET[Math.floor(random() * 58)]).join("");
const hex = (random, length) => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
const nairobiHour = (unix) => ((unix + 3 * 3600) % 86400) / 3600;
const sunAt = (unix) => Math.max(0, Math.sin(((nairobiHour(unix) - 6.3) / 12.2) * Math.PI)) ** 1.3;
const loadAt = (unix) => {
  const hour = nairobiHour(unix);
  return 0.25 + 0.35 * Math.exp(-(((hour - 7) / 1.5) ** 2)) + 0.9 * Math.exp(-(((hour - 19.5) / 2) ** 2)) + 0.15 * Math.exp(-(((hour - 13) / 2) ** 2));
};

export const COMMUNITY = { id: "kibera-east", name: "Mwanga Estate", period_minutes: 30, period_lengths: [{ from: 0, minutes: 30 }], legal_basis: "simulation", retail_tariff: 2890, feed_in_tariff: 1050, fees_cents_per_kwh: 150 };

export function settle(count, seed = 7) {
  const random = randomness(seed);
  const households = Array.from({ length: count }, (_, index) => {
    const isMaker = index % 5 < 2;
    return {
      household: `h-${String(index + 1).padStart(3, "0")}`,
      name: NAMES[index % NAMES.length] + (index >= NAMES.length ? ` ${Math.floor(index / NAMES.length) + 1}` : ""),
      pv: isMaker ? 1500 + Math.floor(random() * 8) * 500 : 0,
      load: 250 + random() * 900,
      sell: 1100 + Math.floor(random() * 14) * 50,
      buy: 1500 + Math.floor(random() * 26) * 50,
      phase: random() * 7,
      address: base58(random, 44),
      account: base58(random, 44),
      meter: hex(random, 64),
      kes: Math.floor(random() * 250_000),
      status: index === count - 1 && count > 5 ? "applied" : index === 13 ? "suspended" : "admitted",
      isSilent: index === 8,
    };
  });
  return { random, households, mint: base58(random, 44), escrow: base58(random, 44) };
}

export function powerOf(house, unix) {
  const wobble = 1 + 0.25 * Math.sin(unix / 37 + house.phase) + 0.12 * Math.sin(unix / 11 + house.phase * 3);
  const load = Math.round(house.load * loadAt(unix) * 2.2 * wobble);
  const cloud = 0.82 + 0.18 * Math.sin(unix / 53 + house.phase);
  const generation = house.pv ? Math.round(house.pv * 0.82 * sunAt(unix) * cloud) : null;
  return { generation, net: load - (generation ?? 0) };
}

const label = (unix) => new Date(unix * 1000).toISOString().slice(0, 16) + "Z";

/** Clears one period by hand: the highest price at which what is asked still meets what is offered. */
export function clearPeriod(community, start) {
  const length = COMMUNITY.period_minutes * 60;
  const orders = [];
  const nets = new Map();
  for (const house of community.households) {
    if (house.status !== "admitted" || house.isSilent) continue;
    const net = Math.round((powerOf(house, start + length / 2).net * length) / 3600);
    nets.set(house.household, net);
    const mood = Math.round(2 * Math.sin(start / 5000 + house.phase)) * 50;
    const dusk = Math.round(6 * (1 - sunAt(start))) * 100;
    if (net < 0) orders.push({ household: house.household, side: "sell", wh: -net, limit: house.sell + mood + dusk });
    if (net > 0) orders.push({ household: house.household, side: "buy", wh: net, limit: Math.min(2850, house.buy + mood + dusk) });
  }
  const sells = orders.filter((order) => order.side === "sell").sort((a, b) => a.limit - b.limit);
  const buys = orders.filter((order) => order.side === "buy").sort((a, b) => b.limit - a.limit);
  const trades = [];
  let price = null;
  const left = new Map(orders.map((order) => [order, order.wh]));
  for (let s = 0, b = 0; s < sells.length && b < buys.length && sells[s].limit <= buys[b].limit; ) {
    const wh = Math.min(left.get(sells[s]), left.get(buys[b]));
    trades.push({ seller: sells[s].household, buyer: buys[b].household, wh });
    price = Math.round((sells[s].limit + buys[b].limit) / 2);
    left.set(sells[s], left.get(sells[s]) - wh);
    left.set(buys[b], left.get(buys[b]) - wh);
    if (left.get(sells[s]) === 0) s += 1;
    if (left.get(buys[b]) === 0) b += 1;
  }
  const total = (rows) => rows.reduce((sum, row) => sum + row.wh, 0);
  return {
    start,
    nets,
    period: label(start),
    minutes: COMMUNITY.period_minutes,
    state: "settled",
    cents_per_kwh: price,
    supply_wh: total(sells),
    demand_wh: total(buys),
    traded_wh: total(trades),
    settled_at: start + length + 95,
    orders,
    trades: trades.map((trade) => ({ ...trade, cents: Math.round((trade.wh * (price ?? 0)) / 1000) })),
  };
}

/** The newest `count` periods whose grace time is over, newest first. */
export function settledPeriods(community, now, count) {
  const length = COMMUNITY.period_minutes * 60;
  const newest = Math.floor((now - 100) / length) * length - length;
  return Array.from({ length: count }, (_, index) => clearPeriod(community, newest - index * length));
}
