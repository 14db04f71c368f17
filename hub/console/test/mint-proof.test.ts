// The browser's check of mints, against mints that the hub's own code made: what is true holds, whatever is changed is a lie.
import { expect, test } from "vitest";
import { fromBase58, fromBase64, toBase58, toBase64Url } from "../src/proof/bytes.js";
import { proveMint, type Check, type Head, type PublishedTransaction } from "../src/proof/mint-proof.js";
import { canCheckSignatures } from "../src/proof/readings.js";
import vectors from "./mints.json" with { type: "json" };

const head: Head = vectors.head;

async function checks(told: PublishedTransaction, transaction: string, of: Head = head): Promise<Check[]> {
  const found: Check[] = [];
  await proveMint(of, vectors.period, told, fromBase64(transaction), (check) => found.push(check));
  return found;
}

const lies = (found: Check[]): string[] => found.filter((check) => !check.holds).map((check) => check.what);

/** The second case, which has all kinds of readings, with something changed in it. */
function changed(change: (told: PublishedTransaction) => void): [PublishedTransaction, string] {
  const one = vectors.cases[1];
  if (one === undefined) throw new Error("no vectors");
  const told: PublishedTransaction = structuredClone(one.published);
  change(told);
  return [told, one.transaction];
}

const mintOf = (told: PublishedTransaction, index: number): PublishedTransaction["mints"][number] => {
  const mint = told.mints[index];
  if (mint === undefined) throw new Error(`no mint ${index}`);
  return mint;
};

test("signatures of meters can be checked here", async () => {
  expect(await canCheckSignatures()).toBe(true);
});

test.each(vectors.cases)("$name: everything goes together", async ({ published, transaction }) => {
  const found = await checks(published, transaction);
  expect(lies(found)).toEqual([]);
  const meters = published.mints.map(() => "meter");
  expect(found.map((check) => check.what)).toEqual(["signed", "memo", ...meters, "root", "amount"]);
  expect(found.filter((check) => check.what === "meter").map((check) => check.values.wh)).toEqual(published.mints.map((mint) => mint.wh));
});

test("a changed reading is not signed by its meter, and not what the transaction commits to", async () => {
  const found = await checks(
    ...changed((told) => {
      const mint = mintOf(told, 1);
      const frame = fromBase64(mint.frames[1] ?? "");
      frame[52] = (frame[52] ?? 0) + 1; // one watt-hour more of export
      mint.frames[1] = toBase64Url(frame);
    }),
  );
  expect(lies(found)).toEqual(["meter", "root"]);
  expect(found.find((check) => !check.holds)?.why).toBe("reading 11 is not signed by its meter");
});

test("more Wh than the readings show are a lie, wherever they are told", async () => {
  expect(
    lies(
      await checks(
        ...changed((told) => {
          mintOf(told, 0).wh += 1;
        }),
      ),
    ),
  ).toEqual(["meter", "root", "amount"]);
});

test("a mint that is left out, another account and readings in another order are lies", async () => {
  expect(lies(await checks(...changed((told) => told.mints.pop())))).toEqual(["memo", "root", "amount"]);
  const moved = changed((told) => {
    mintOf(told, 0).account = mintOf(told, 1).account;
  });
  expect(lies(await checks(...moved))).toEqual(["root"]);
  expect(lies(await checks(...changed((told) => mintOf(told, 0).frames.reverse())))).toEqual(["meter", "root"]);
});

test("readings of another period, another community and another token are lies", async () => {
  const [told, transaction] = changed(() => undefined);
  const found: Check[] = [];
  await proveMint(head, "2026-11-20T11:00Z", told, fromBase64(transaction), (check) => found.push(check));
  expect(lies(found)).toEqual(["memo", "meter", "meter", "meter"]);
  expect(lies(await checks(told, transaction, { ...head, community: "elsewhere" }))).toEqual(["memo"]);
  expect(lies(await checks(told, transaction, { ...head, mint: toBase58(new Uint8Array(32).fill(9)) }))).toEqual(["amount"]);
});

test("a period is as long as its community's periods were at its time", async () => {
  const [told, transaction] = changed(() => undefined);
  const midnight = Date.parse("2026-11-20T00:00Z") / 1000;
  const since = (from: number, minutes: number): Head => ({ ...head, period_minutes: 60, period_changes: [{ from, minutes }] });
  expect(lies(await checks(told, transaction, since(midnight, 30)))).toEqual([]);
  expect(lies(await checks(told, transaction, since(midnight, 15)))).toEqual(["meter", "meter", "meter"]);
  expect(lies(await checks(told, transaction, since(midnight + 86_400, 15)))).toEqual([]);
});

test("a transaction that was changed, cut or is another one is a lie", async () => {
  const [told, transaction] = changed(() => undefined);
  const bytes = fromBase64(transaction);
  for (let at = 0; at < bytes.length; at += 7) {
    const other = bytes.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    expect(lies(await checks(told, toBase64Url(other))), `byte ${at}`).toContain("signed");
  }
  expect(lies(await checks(told, toBase64Url(bytes.slice(0, -1))))).toContain("signed");
  expect(lies(await checks({ ...told, signature: "1".repeat(64) }, transaction))).toEqual(["signed", "memo", "root", "amount"]);
});

test("where the utility buys the rest, less than the readings show may be minted, and never more", async () => {
  const [told, transaction] = changed((one) => {
    mintOf(one, 0).wh -= 1;
  });
  const utility = { ...head, sells_to_utility: true };
  expect(lies(await checks(told, transaction, utility))).toEqual(["root", "amount"]);
});

test("base58 is the chain's", () => {
  const key = new Uint8Array(32).fill(7, 2);
  expect(toBase58(key).startsWith("11")).toBe(true);
  expect(fromBase58(toBase58(key))).toEqual(key);
  expect(() => fromBase58("0OIl")).toThrow("not base58");
  expect(() => fromBase58("abc")).toThrow("32 bytes");
});
