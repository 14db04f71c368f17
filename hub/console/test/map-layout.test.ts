// The community map keeps houses apart and its streams add up.
import { expect, test } from "vitest";
import { drawStreams, layOut, nearest, shortName, type House } from "../src/parts/map-layout.js";

const houses = (makers: number, users: number, strength = 500): House[] =>
  Array.from({ length: makers + users }, (_, index) => ({
    household: `h-${index}`,
    name: `House ${index}`,
    isMaker: index < makers,
    strength: index < makers ? strength : -strength,
  }));

test("makers stand left of the exchange and users right of it", () => {
  const map = layOut(houses(4, 6), 800, 560);
  expect(map.places.filter((place) => place.x < map.centre.x)).toHaveLength(4);
  expect(map.places.filter((place) => place.x > map.centre.x)).toHaveLength(6);
});

test("labels are dropped when they would collide", () => {
  expect(layOut(houses(10, 14), 800, 560).hasLabels).toBe(true);
  expect(layOut(houses(24, 36), 800, 560).hasLabels).toBe(false);
  expect(layOut(houses(4, 6), 340, 450).hasLabels).toBe(false);
});

test.each([
  [800, 560],
  [330, 450],
])("no two houses overlap at %i by %i", (width, height) => {
  const { places } = layOut(houses(20, 28), width, height);
  for (const one of places) {
    for (const other of places) {
      if (one !== other) expect(Math.hypot(one.x - other.x, one.y - other.y)).toBeGreaterThan(18);
    }
  }
});

test("every house stays on the map, and those without room are counted", () => {
  const map = layOut(houses(200, 200), 800, 560);
  expect(map.places.length + map.hidden).toBe(400);
  for (const { x, y } of map.places) {
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(800);
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(560);
  }
});

test("a community without makers still fills both sides", () => {
  const map = layOut(houses(0, 6), 800, 560);
  expect(map.places.filter((place) => place.side === -1)).toHaveLength(3);
});

test("streams point with the energy and are as thick as their share", () => {
  const [maker, user] = houses(1, 1);
  if (!maker || !user) throw new Error("two houses expected");
  const map = layOut([maker, { ...user, strength: -250 }], 800, 560);
  const streams = drawStreams(map, -250);
  expect(streams.map((stream) => [stream.household, stream.isInward])).toEqual([
    ["h-0", true],
    ["h-1", false],
    [null, false],
  ]);
  expect((streams[0]?.width ?? 0) / (streams[1]?.width ?? 1)).toBeCloseTo(2);
});

test("nothing flows when nothing is known", () => {
  expect(drawStreams(layOut([{ household: "h-1", name: "A", isMaker: true, strength: null }], 800, 560), 0)).toEqual([]);
});

test("a touch near a house finds it, a touch far away finds none", () => {
  const map = layOut(houses(2, 2), 800, 560);
  const [first] = map.places;
  if (!first) throw new Error("a house expected");
  expect(nearest(map.places, first.x + 10, first.y - 10)?.household).toBe(first.household);
  expect(nearest(map.places, map.centre.x, map.centre.y)).toBeNull();
});

test("a phone's map names its houses by what fits, as long as they stand in one column", () => {
  const map = layOut(houses(9, 14), 306, 450);
  expect(map.hasShortLabels).toBe(true);
  for (const { x, side } of map.places) {
    const outer = side < 0 ? x : map.width - x;
    expect(outer - map.houseRadius).toBeGreaterThanOrEqual(58);
  }
  expect(layOut(houses(24, 36), 306, 450).hasShortLabels).toBe(false);
  expect(["Amina Wanjiru", "St. Brigid School", "Kipchoge Ruto", "Wilhelmina", "Amina's house"].map(shortName)).toEqual(["Amina", "St. Bri…", "Kipchoge", "Wilhelm…", "Amina's"]);
});
