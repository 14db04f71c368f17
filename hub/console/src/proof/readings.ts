// Signed readings as meters make them: 144 bytes, of which 80 are signed (docs/architecture.md, section 4).
import { fromBase64, type Bytes } from "./bytes.js";

const FRAME = 144;
const SIGNED = 80;
const MAGIC = "ESR1";
const EPOCH_STARTED = 2;

export interface Reading {
  meter: Bytes;
  sequence: bigint;
  measuredAt: bigint;
  exportWh: bigint;
  importWh: bigint;
  generationWh: bigint;
  flags: number;
}

/** What a check found wrong; the message is for people who can read it, `code` names it. */
export class Lie extends Error {
  constructor(
    readonly code: "frame" | "signature" | "order" | "flags" | "time",
    message: string,
  ) {
    super(message);
  }
}

/** Whether this browser can check the signatures of meters: it can over HTTPS, and from Chromium 137, Firefox 129 and Safari 17 on. */
export async function canCheckSignatures(): Promise<boolean> {
  // Browsers leave the whole interface out where a page came over plain HTTP.
  const subtle = (globalThis.crypto as { subtle?: SubtleCrypto }).subtle;
  if (subtle === undefined) return false;
  try {
    await subtle.importKey("raw", new Uint8Array(32), "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

export async function isSignedBy(key: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  try {
    const known = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", known, signature, message);
  } catch {
    return false; // such a key there is not
  }
}

/** The reading in a frame, once its meter's signature holds; throws a `Lie` for any other. */
export async function readFrame(frame: Bytes): Promise<Reading> {
  const magic = new TextDecoder().decode(frame.slice(0, 4));
  if (frame.length !== FRAME || magic !== MAGIC) throw new Lie("frame", `${frame.length} bytes that are no reading`);
  const view = new DataView(frame.buffer, frame.byteOffset);
  const at = (offset: number): bigint => view.getBigUint64(offset, true);
  const reading = {
    meter: frame.slice(4, 36),
    sequence: at(36),
    measuredAt: at(44),
    exportWh: at(52),
    importWh: at(60),
    generationWh: at(68),
    flags: view.getUint32(76, true),
  };
  if (!(await isSignedBy(reading.meter, frame.slice(SIGNED), frame.slice(0, SIGNED)))) {
    throw new Lie("signature", `reading ${reading.sequence} is not signed by its meter`);
  }
  return reading;
}

export const framesOf = (texts: readonly string[]): Bytes[] => texts.map(fromBase64);

const isSame = (one: Bytes, other: Bytes): boolean => one.every((octet, index) => octet === other[index]);

/**
 * The net export in Wh that readings of one household prove, oldest first; throws a `Lie` where they prove none. Where a meter
 * was replaced or began to count anew there are more than two: what lies between one run of its registers and the next counts nothing.
 */
export function netWh(readings: readonly Reading[], endsAt: number): bigint {
  if (readings.length < 2) throw new Lie("frame", "one reading proves no energy");
  let net = 0n;
  readings.forEach((reading, index) => {
    const before = readings[index - 1];
    const isNewRun = before === undefined || (reading.flags & EPOCH_STARTED) !== 0 || !isSame(before.meter, reading.meter);
    if ((reading.flags & ~(isNewRun ? EPOCH_STARTED : 0)) !== 0) throw new Lie("flags", `the meter itself doubts reading ${reading.sequence}`);
    if (reading.measuredAt > BigInt(endsAt)) throw new Lie("time", `reading ${reading.sequence} is from after the period`);
    if (before !== undefined && reading.measuredAt < before.measuredAt) throw new Lie("order", `reading ${reading.sequence} is older than the one before`);
    if (isNewRun) return;
    const grown = [reading.sequence - before.sequence, reading.exportWh - before.exportWh, reading.importWh - before.importWh, reading.generationWh - before.generationWh];
    if (grown.some((more) => more < 0n)) throw new Lie("order", `the registers fall from reading ${before.sequence} to ${reading.sequence}`);
    net += reading.exportWh - before.exportWh - (reading.importWh - before.importWh);
  });
  return net;
}
