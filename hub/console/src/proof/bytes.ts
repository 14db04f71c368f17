// Bytes as texts: base64url as readings travel, base58 as the chain names its keys.

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

export type Bytes = Uint8Array<ArrayBuffer>;

/** Reads base64 and base64url, padded or not; throws for anything else. */
export function fromBase64(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

export const toBase64Url = (bytes: Bytes): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function toBase58(bytes: Bytes): string {
  let number = bytes.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
  let text = "";
  for (; number > 0n; number /= 58n) text = (ALPHABET[Number(number % 58n)] ?? "") + text;
  const zeros = bytes.findIndex((octet) => octet !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + text;
}

/** Reads a key or signature of so many bytes; throws for anything else. */
export function fromBase58(text: string, size = 32): Bytes {
  let number = 0n;
  for (const letter of text) {
    const digit = ALPHABET.indexOf(letter);
    if (digit < 0) throw new Error(`${text} is not base58`);
    number = number * 58n + BigInt(digit);
  }
  const bytes = new Uint8Array(size);
  for (let place = size - 1; place >= 0; place -= 1, number /= 256n) bytes[place] = Number(number % 256n);
  if (number > 0n || toBase58(bytes) !== text) throw new Error(`${text} does not have ${size} bytes`);
  return bytes;
}

export function joined(...parts: Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
