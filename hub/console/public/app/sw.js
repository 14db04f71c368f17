// The app's service worker: keeps the app itself, so that it opens without network, and shows what the hub tells at once.
importScripts("/app/notices.js");

const CACHE = "energy-swap-app";
const SHELL = "/app/";
/** Where the page leaves the language that was chosen: a service worker cannot see what it keeps otherwise. */
const LANGUAGE = "/app/language";
const EXTRAS = ["/app/manifest.webmanifest", "/favicon.svg"];

/** Keeps the page and every built file that it or its styles name, and forgets those of before. */
async function keep(page) {
  const text = await page.clone().text();
  const named = [...new Set(text.match(/\/assets\/[^"')]+/g) ?? [])];
  const cache = await caches.open(CACHE);
  for (const path of named.filter((name) => name.endsWith(".css"))) {
    const style = await (await fetch(path)).text();
    for (const font of style.match(/\/assets\/[^"')]+/g) ?? []) if (!named.includes(font)) named.push(font);
  }
  const missing = [];
  for (const path of [...named, ...EXTRAS]) if (!(await cache.match(path))) missing.push(path);
  await cache.addAll(missing);
  await cache.put(SHELL, page);
  for (const request of await cache.keys()) {
    const path = new URL(request.url).pathname;
    if (path.startsWith("/assets/") && !named.includes(path)) await cache.delete(request);
  }
}

self.addEventListener("install", (event) => {
  event.waitUntil(fetch(SHELL, { cache: "no-cache" }).then(keep).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** A page comes from the network when there is one, so that a new version is seen at once. */
async function page(event) {
  try {
    const fresh = await fetch(event.request);
    if (fresh.ok) event.waitUntil(keep(fresh.clone()));
    return fresh;
  } catch (lost) {
    const kept = await caches.match(SHELL);
    if (kept) return kept;
    throw lost;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (event.request.mode === "navigate") return event.respondWith(page(event));
  const isBuilt = url.pathname.startsWith("/assets/") || url.pathname.startsWith("/app/") || url.pathname === "/favicon.svg";
  if (isBuilt) event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
});

/** Shows a message of the hub; a browser asks that something is shown for each. */
async function show(data) {
  let told = { event: "other", tag: "other" };
  try {
    told = { ...told, ...data?.json() };
  } catch {
    // What cannot be read is still a message: there is news.
  }
  const kept = await caches.match(LANGUAGE);
  const language = kept ? await kept.text() : navigator.language.slice(0, 2);
  const { title, body, page, tag, isQuiet } = self.noticeOf(told, language);
  await self.registration.showNotification(title, { body, tag, lang: language, silent: isQuiet, data: { page }, icon: "/app/icon-192.png", badge: "/app/icon-192.png" });
}

self.addEventListener("push", (event) => event.waitUntil(show(event.data)));

/** Opens the page that a message is about: in the app where it is open, else in a new window. */
async function open(page) {
  const found = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const app = found.find((client) => new URL(client.url).pathname.startsWith(SHELL));
  if (!app) return self.clients.openWindow(`${SHELL}#${page}`);
  app.postMessage({ open: page });
  return app.focus();
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.page ?? "home"));
});
