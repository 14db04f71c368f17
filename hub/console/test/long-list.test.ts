// A long list asks only for what is looked at, shows the right rows wherever one is, and moves nothing when new rows come.
import type { ReactiveControllerHost } from "lit";
import { expect, test } from "vitest";
import { LongList, type Part, type Wanted } from "../src/long-list.js";
import { RowHeights } from "../src/parts/row-heights.js";

interface Row {
  id: number;
}

/** A hub with rows 1 to `newest`, and what it was asked. */
interface Hub {
  newest: number;
  asked: Wanted[];
  list: LongList<Row>;
}

function hubOf(newest: number): Hub {
  const host = { addController: () => undefined, requestUpdate: () => undefined } as unknown as ReactiveControllerHost;
  const hub: Hub = {
    newest,
    asked: [],
    list: new LongList<Row>(
      host,
      (wanted) => {
        hub.asked.push(wanted);
        const below = wanted.before === null ? hub.newest + 1 : Number(wanted.before);
        const first = below - 1 - wanted.skip;
        const items = Array.from({ length: Math.max(0, Math.min(wanted.limit, first)) }, (_, index) => ({ id: first - index }));
        return Promise.resolve({ items, total: wanted.isCounted ? below - 1 : null });
      },
      (row) => String(row.id),
    ),
  };
  return hub;
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
};

test("rows anywhere in the list come when they are looked at, and no others", async () => {
  const hub = hubOf(100_000);
  await hub.list.refresh();
  expect(hub.list.count).toBe(100_000);
  expect(hub.list.at(0)).toEqual({ id: 100_000 });
  expect(hub.list.at(61_234)).toBeUndefined();
  hub.list.want(61_190, 61_240);
  await settled();
  for (const row of [61_190, 61_199, 61_200, 61_240]) expect(hub.list.at(row)).toEqual({ id: 100_000 - row });
  hub.list.want(99_990, 99_999);
  await settled();
  expect(hub.list.at(99_999)).toEqual({ id: 1 });
  expect(hub.asked.length).toBe(4);
});

test("new rows come in on top and all others move down by as many", async () => {
  const hub = hubOf(1_000);
  const added: (number | null)[] = [];
  hub.list.onAdded = (rows) => added.push(rows);
  await hub.list.refresh();
  hub.list.want(500, 510);
  await settled();
  hub.newest = 1_007;
  await hub.list.refresh();
  expect(hub.list.count).toBe(1_007);
  for (const row of [0, 6, 7, 106, 507, 517]) expect(hub.list.at(row)).toEqual({ id: 1_007 - row });
  hub.newest = 1_400; // so many at once leave a gap: the list is counted anew
  await hub.list.refresh();
  hub.list.want(900, 901);
  await settled();
  expect(hub.list.count).toBe(1_400);
  for (const row of [0, 99, 900]) expect(hub.list.at(row)).toEqual({ id: 1_400 - row });
  expect(added).toEqual([null, 7, 393]);
});

test("what is far from sight is forgotten", async () => {
  const hub = hubOf(100_000);
  await hub.list.refresh();
  for (let row = 0; row < 60; row += 1) {
    hub.list.want(row * 1_000, row * 1_000);
    await settled();
  }
  expect(hub.list.at(59_000)).toEqual({ id: 41_000 });
  expect(hub.list.at(1_000)).toBeUndefined();
  expect(hub.list.at(0)).toEqual({ id: 100_000 });
});

test("a sorted list shows its rows where they are now, and those in sight are asked for anew", async () => {
  const asked: Wanted[] = [];
  const meanwhile: (number | undefined)[] = [];
  let order = Array.from({ length: 1_000 }, (_, index) => index + 1);
  const host = { addController: () => undefined, requestUpdate: () => undefined } as unknown as ReactiveControllerHost;
  const ask = (wanted: Wanted): Promise<Part<Row>> => {
    asked.push(wanted);
    meanwhile.push(list.at(350)?.id);
    const from = wanted.before === null ? 0 : order.indexOf(Number(wanted.before)) + 1;
    const items = order.slice(from + wanted.skip, from + wanted.skip + wanted.limit).map((id) => ({ id }));
    return Promise.resolve({ items, total: wanted.isCounted ? order.length : null });
  };
  const added: (number | null)[] = [];
  const list = new LongList<Row>(host, ask, (row) => String(row.id), 15, () => true, true);
  list.onAdded = (rows) => added.push(rows);
  await list.refresh();
  list.want(640, 660);
  await settled();
  list.want(340, 360);
  await settled();
  order = [...order.slice(0, 3), 2_000, ...order.slice(4)].reverse();
  order.push(3_000);
  const before = asked.length;
  await list.refresh();
  await settled();
  expect(meanwhile.slice(before)).toEqual([351, 351]); // it stayed in sight until it was here as it is now
  expect(list.count).toBe(1_001);
  for (const row of [0, 99, 340, 360]) expect(list.at(row)).toEqual({ id: order[row] });
  expect(list.at(650)).toBeUndefined();
  order = [7];
  await list.refresh();
  expect([list.count, list.at(0), list.at(350)]).toEqual([1, { id: 7 }, undefined]);
  expect(added).toEqual([null, 0, 0]);
});

test("rows lie where the heights above them put them", () => {
  const heights = new RowHeights(40);
  expect(heights.top(100_000)).toBe(4_000_000);
  expect(heights.learn(500, 100)).toBe(60);
  expect(heights.learn(500, 90)).toBe(-10);
  expect(heights.learn(501, 40)).toBe(0);
  expect(heights.top(500)).toBe(20_000);
  expect(heights.top(501)).toBe(20_090);
  expect(heights.top(100_000)).toBe(4_000_050);
  for (const [distance, row] of [[0, 0], [39.9, 0], [40, 1], [20_089, 500], [20_090, 501], [9e9, 99_999]] as const) {
    expect(heights.at(distance, 100_000)).toBe(row);
  }
  heights.shift(3);
  expect([heights.of(500), heights.of(503)]).toEqual([40, 90]);
});
