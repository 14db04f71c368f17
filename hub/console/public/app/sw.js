// The app's service worker: keeps the app itself, so that it opens without network. Data is the page's own business.
const CACHE = "energy-swap-app";
const SHELL = "/app/";
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
