// The phone's own key: made by the browser, kept in its database, and never to be had out of it; it signs for the household.

const DATABASE = "energy-swap";
const STORE = "keys";
const NAME = "phone";

/** How a message and a request are told apart from each other, to the byte as the hub does it. */
const MESSAGE = "energy-swap/message/1\n";
const REQUEST = "energy-swap/request/1\n";

export interface PhoneKey {
  pair: CryptoKeyPair;
  public: Uint8Array;
}

const encoder = new TextEncoder();

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");

const unpadded = (bytes: Uint8Array): string => base64(bytes).replaceAll("=", "");

function inDatabase<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (request: IDBRequest) => (): void => {
      reject(request.error ?? new Error("the phone's storage failed"));
    };
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = fail(opening);
    opening.onsuccess = () => {
      const database = opening.result;
      const request = work(database.transaction(STORE, mode).objectStore(STORE));
      request.onerror = fail(request);
      request.onsuccess = () => {
        resolve(request.result);
        database.close();
      };
    };
  });
}

/** Whether this browser can make such a key: it needs HTTPS, and Ed25519. */
export const canMakeKeys = (): boolean => isSecureContext && "indexedDB" in window;

export async function loadKey(): Promise<PhoneKey | null> {
  const pair = (await inDatabase("readonly", (store) => store.get(NAME) as IDBRequest<CryptoKeyPair | undefined>)) ?? null;
  return pair && { pair, public: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

/** Makes a new key in place of any before it. */
export async function makeKey(): Promise<PhoneKey> {
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, ["sign", "verify"]));
  await inDatabase("readwrite", (store) => store.put(pair, NAME));
  return { pair, public: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

export async function forgetKey(): Promise<void> {
  await inDatabase("readwrite", (store) => store.delete(NAME));
}

const sign = async (key: PhoneKey, text: string): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.sign("Ed25519", key.pair.privateKey, encoder.encode(text)));

/** The header that signs a request; `at` is the hub's time. */
export async function requestHeader(key: PhoneKey, method: string, path: string, body: string, at: number): Promise<Record<string, string>> {
  const nonce = crypto.randomUUID();
  const digest = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(body))));
  const signature = await sign(key, `${REQUEST}${method}\n${path}\n${at}\n${nonce}\n${digest}`);
  return { "Energy-Swap-Signature": `${hex(key.public)} ${at} ${nonce} ${base64(signature)}` };
}

/** A message in its signed envelope. */
export async function envelope(key: PhoneKey, message: Record<string, unknown>): Promise<Record<string, string>> {
  const payload = JSON.stringify(message);
  return { signer: unpadded(key.public), payload: unpadded(encoder.encode(payload)), signature: unpadded(await sign(key, MESSAGE + payload)) };
}
