// Being told at once: asking the browser, its subscription at its push service, and the language that messages are shown in.
import { currentLanguage, whenLanguageChanges } from "../language-choice.js";
import type { Hub } from "./hub.js";

export const TOPICS = ["money", "trades", "home"] as const;
export type Topic = (typeof TOPICS)[number];

/** What the hub knows of this phone's messages; `key` is the hub's own, for push services. */
export interface PushState {
  key: string;
  endpoint: string | null;
  topics: Topic[];
}

/** Whether this browser can be told, and if not, why: an iPhone can once the app is on its home screen. */
export type Ability = "can" | "denied" | "on_home_screen" | "cannot";

const CACHE = "energy-swap-app";
const LANGUAGE = "/app/language";

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const textOf = (bytes: ArrayBuffer | null): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

export function ability(): Ability {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) {
    return /iPhone|iPad/.test(navigator.userAgent) ? "on_home_screen" : "cannot";
  }
  return Notification.permission === "denied" ? "denied" : "can";
}

const atBrowser = async (): Promise<PushSubscription | null> => (await (await navigator.serviceWorker.getRegistration("/app/"))?.pushManager.getSubscription()) ?? null;

/** Subscribes this browser and tells the hub. Called on a press only: a browser may ask its person. */
export async function turnOn(hub: Hub, topics: readonly Topic[]): Promise<PushState | "denied"> {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  return subscribe(hub, (await hub.read<PushState>("/push")).value.key, topics);
}

async function subscribe(hub: Hub, key: string, topics: readonly Topic[]): Promise<PushState> {
  await keepLanguage();
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  // The hub has another key than when this was made: nothing would arrive by it.
  if (before && textOf(before.options.applicationServerKey) !== key) await before.unsubscribe();
  const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  return hub.post<PushState>("/push", { endpoint: made.endpoint, p256dh: textOf(made.getKey("p256dh")), auth: textOf(made.getKey("auth")), topics });
}

export async function turnOff(hub: Hub): Promise<PushState> {
  const state = await hub.post<PushState>("/push/off");
  await leaveBrowser();
  return state;
}

/** Ends this browser's subscription, whatever the hub knows. */
export async function leaveBrowser(): Promise<void> {
  if (ability() !== "can") return;
  await (await atBrowser().catch(() => null))?.unsubscribe().catch(() => false);
}

/** Subscribes anew what was lost: a push service that forgot this browser, or a hub with another key. Asks nobody. */
export async function keepOn(hub: Hub): Promise<void> {
  if (ability() !== "can" || Notification.permission !== "granted") return;
  const made = await atBrowser();
  const state = (await hub.read<PushState>("/push")).value;
  const isRight = made !== null && state.endpoint === made.endpoint && textOf(made.options.applicationServerKey) === state.key;
  const wanted = state.endpoint !== null ? state.topics : made !== null ? TOPICS : [];
  if (!isRight && wanted.length > 0) await subscribe(hub, state.key, wanted);
}

/** Leaves the language where the service worker finds it, now and whenever it changes. */
export function tellLanguage(): void {
  if (!("caches" in window)) return;
  void keepLanguage().catch(() => undefined);
  whenLanguageChanges(() => void keepLanguage().catch(() => undefined));
}

async function keepLanguage(): Promise<void> {
  await (await caches.open(CACHE)).put(LANGUAGE, new Response(currentLanguage()));
}
