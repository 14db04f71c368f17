// The history's table is read newest first, and a corrected period replaces the earlier row.
import { expect, test } from "vitest";
import { historyRows } from "../src/records.js";

const HEAD = "start,export_wh,import_wh,generation_wh,sold_wh,bought_wh,earned_cents,paid_cents,revision";

test("rows come newest first, the later revision of a period counts", () => {
  const rows = historyRows(`${HEAD}\n2026-11-20T11:00:00+00:00,800,0,900,500,0,710,0,0\n2026-11-20T11:30:00+00:00,0,300,0,0,300,0,520,0\n2026-11-20T11:00:00+00:00,820,0,920,520,0,738,0,1\n`);
  expect(rows.map((row) => [row.start, row.export_wh, row.sold_wh, row.earned_cents, row.paid_cents])).toEqual([
    [1795174200, 0, 0, 0, 520],
    [1795172400, 820, 520, 738, 0],
  ]);
});

test("an empty table and lines that are none give no rows", () => {
  expect(historyRows(`${HEAD}\n`)).toEqual([]);
  expect(historyRows("")).toEqual([]);
  expect(historyRows(`${HEAD}\nnonsense,1,2`)).toEqual([]);
});
