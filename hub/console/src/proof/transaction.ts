// What a mint's transaction says, read from its bytes: a Solana transaction of version 1, the only kind that mints here.
import { toBase58, type Bytes } from "./bytes.js";

const VERSION_1 = 129;
const SIGNATURE = 64;
const KEY = 32;
const MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr";
const TOKEN_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";
const MINT_CHECKED = 14;
const DECIMALS = 3;

export interface MintTransaction {
  /** Base58; the first is the transaction's name. */
  signatures: string[];
  /** The keys that signed, in the same order. */
  signers: Bytes[];
  rawSignatures: Bytes[];
  /** What was signed. */
  message: Bytes;
  memos: string[];
  /** Wh that come into being, by the token that they are of. */
  minted: { mint: string; wh: bigint }[];
}

/** Throws for bytes that are no such transaction. */
export function readTransaction(raw: Bytes): MintTransaction {
  let at = 0;
  const take = (size: number): Bytes => {
    if (at + size > raw.length) throw new Error("the transaction ends too soon");
    at += size;
    return raw.slice(at - size, at);
  };
  const octet = (): number => take(1)[0] ?? 0;
  const small = (bytes: Bytes): number => bytes.reduce((sum, one, place) => sum + one * 256 ** place, 0);

  if (octet() !== VERSION_1) throw new Error("not a transaction of version 1, as every mint is");
  const signed = octet();
  take(2); // how many keys only read
  const settings = small(take(4));
  take(KEY); // the blockhash
  const instructions = octet();
  const keys = Array.from({ length: octet() }, () => take(KEY));
  for (let mask = settings; mask > 0; mask = Math.floor(mask / 2)) if (mask % 2 === 1) take(4);
  const heads = Array.from({ length: instructions }, () => ({ program: octet(), accounts: octet(), data: small(take(2)) }));
  const calls = heads.map((head) => ({
    program: keys[head.program] ?? new Uint8Array(),
    accounts: [...take(head.accounts)].map((index) => keys[index] ?? new Uint8Array()),
    data: take(head.data),
  }));
  const message = raw.slice(0, at);
  const rawSignatures = Array.from({ length: signed }, () => take(SIGNATURE));
  if (at !== raw.length) throw new Error("the transaction goes on after its end");

  const of = (program: string): typeof calls => calls.filter((call) => toBase58(call.program) === program);
  return {
    signatures: rawSignatures.map(toBase58),
    signers: keys.slice(0, signed),
    rawSignatures,
    message,
    memos: of(MEMO_PROGRAM).map((call) => new TextDecoder().decode(call.data)),
    minted: of(TOKEN_PROGRAM)
      .filter(({ data, accounts }) => data.length === 10 && data[0] === MINT_CHECKED && data[9] === DECIMALS && accounts.length >= 3)
      .map(({ data, accounts }) => ({ mint: toBase58(accounts[0] ?? new Uint8Array()), wh: new DataView(data.buffer).getBigUint64(1, true) })),
  };
}
