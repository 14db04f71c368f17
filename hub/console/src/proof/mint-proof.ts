// The check of one mint, as anybody can do it: do the meters' signed readings, the Wh and the transaction go together?
import { minutesAt } from "../format.js";
import { fromBase58, joined, toBase58, toBase64Url, type Bytes } from "./bytes.js";
import { framesOf, isSignedBy, netWh, readFrame, type Reading } from "./readings.js";
import { readTransaction, type MintTransaction } from "./transaction.js";

/** The readings that a hub publishes for a period, as they come. */
export interface Evidence {
  period: string;
  transactions: PublishedTransaction[];
}

export interface PublishedTransaction {
  signature: string;
  memo: string;
  mints: PublishedMint[];
}

export interface PublishedMint {
  account: string;
  wh: number;
  frames: string[];
}

/** Which token, and how its community counts. */
export interface Head {
  community: string;
  mint: string;
  period_minutes: number;
  /** Another length of periods, from a midnight UTC (Unix seconds) on; in order. */
  period_changes?: { from: number; minutes: number }[];
  sells_to_utility: boolean;
}

/** One check: what of, whether it holds, and what was found; `why` is for one that does not. */
export interface Check {
  what: "signed" | "memo" | "meter" | "root" | "amount";
  holds: boolean;
  values: Record<string, string | number>;
  why: string;
}

const sha256 = async (bytes: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

function littleEndian(wh: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(wh), true);
  return bytes;
}

/** Leaf = SHA-256(0 || frames || account || Wh), node = SHA-256(1 || left || right); who has no partner moves up. */
export async function merkleRoot(mints: readonly PublishedMint[]): Promise<string> {
  let level = await Promise.all(
    mints.map((mint) => sha256(joined(new Uint8Array([0]), ...framesOf(mint.frames), fromBase58(mint.account), littleEndian(mint.wh)))),
  );
  while (level.length > 1) {
    const next: Bytes[] = [];
    for (let place = 0; place < level.length; place += 2) {
      const [left, right] = [level[place], level[place + 1]];
      if (left !== undefined) next.push(right === undefined ? left : await sha256(joined(new Uint8Array([1]), left, right)));
    }
    level = next;
  }
  return level[0] === undefined ? "" : toBase64Url(level[0]);
}

/** Check one transaction of a period; each check is told as soon as it is done. */
export async function proveMint(head: Head, period: string, told: PublishedTransaction, raw: Bytes, tell: (check: Check) => void): Promise<void> {
  const check = async (what: Check["what"], look: () => Promise<Check["values"]>): Promise<void> => {
    try {
      tell({ what, holds: true, values: await look(), why: "" });
    } catch (problem) {
      tell({ what, holds: false, values: {}, why: problem instanceof Error ? problem.message : String(problem) });
    }
  };
  let found: MintTransaction | undefined;
  await check("signed", async () => {
    const read = readTransaction(raw);
    await checkSigned(read, told.signature);
    found = read;
    return { count: read.signers.length };
  });
  const memos = found?.memos.filter((text) => text.startsWith("es1|")) ?? [];
  const memo = memos.length === 1 ? (memos[0]?.split("|") ?? []) : [];
  await check("memo", () => Promise.resolve(checkMemo(memo, head, period, told.mints.length)));
  for (const mint of told.mints) {
    await check("meter", () => checkMint(mint, head, endOf(head, period)));
  }
  await check("root", async () => {
    const root = await merkleRoot(told.mints);
    if (root !== memo[4]) throw new Error(`${root || "nothing"} ≠ ${memo[4] ?? "no memo"}`);
    return { root: root.slice(0, 10) };
  });
  await check("amount", () => {
    const sum = told.mints.reduce((total, mint) => total + mint.wh, 0);
    const minted = (found?.minted ?? []).filter((one) => one.mint === head.mint).reduce((total, one) => total + one.wh, 0n);
    if (minted !== BigInt(sum)) throw new Error(`${minted} Wh ≠ ${sum} Wh`);
    return Promise.resolve({ wh: sum });
  });
}

/** When a period ends, in Unix seconds. */
function endOf(head: Head, period: string): number {
  const start = Date.parse(period) / 1000;
  return start + minutesAt([{ from: 0, minutes: head.period_minutes }, ...(head.period_changes ?? [])], start) * 60;
}

async function checkSigned(read: MintTransaction, signature: string): Promise<void> {
  if (read.signatures[0] !== signature) throw new Error("this is another transaction");
  const hold = await Promise.all(
    read.signers.map((key, index) => isSignedBy(key, read.rawSignatures[index] ?? new Uint8Array(), read.message)),
  );
  const wrong = hold.indexOf(false);
  if (wrong >= 0) throw new Error(`${toBase58(read.signers[wrong] ?? new Uint8Array())} has not signed it`);
}

function checkMemo(memo: string[], head: Head, period: string, mints: number): Check["values"] {
  const [kind, community, named, count] = memo;
  if (kind === undefined) throw new Error("it has no memo of a mint");
  if (community !== head.community || !named?.startsWith(period) || Number(count) !== mints) {
    throw new Error(`${memo.join("|")} ≠ ${head.community}, ${period}, ${mints}`);
  }
  return { period: named, count: mints };
}

async function checkMint(mint: PublishedMint, head: Head, endsAt: number): Promise<Check["values"]> {
  const readings: Reading[] = [];
  for (const frame of framesOf(mint.frames)) readings.push(await readFrame(frame));
  const net = netWh(readings, endsAt);
  // Where the utility buys what nobody else did, that part is not minted.
  if (BigInt(mint.wh) > net || (BigInt(mint.wh) < net && !head.sells_to_utility)) throw new Error(`${mint.wh} Wh ≠ ${net} Wh`);
  const meter = readings.at(-1)?.meter ?? new Uint8Array();
  return { account: mint.account, wh: mint.wh, readings: readings.length, meter: [...meter.slice(0, 4)].map((one) => one.toString(16).padStart(2, "0")).join("") };
}
