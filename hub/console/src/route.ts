// Which page an address shows; the console's addresses are `/`, `/households`, `/households/h-001` and so on.

export const PAGES = ["live", "households", "market", "ledger", "money", "meters", "chain", "reviews", "settings", "office"] as const;
export type PageName = (typeof PAGES)[number];

export interface Route {
  page: PageName;
  /** What follows the page in the address: a household, a period. */
  detail: string | null;
}

export function readRoute(path: string): Route {
  const [first = "", second] = path.split("/").filter((part) => part !== "");
  const page = PAGES.find((name) => name === first) ?? "live";
  return { page, detail: page === "live" || second === undefined ? null : decodeURIComponent(second) };
}

export function writeRoute(page: PageName, detail?: string): string {
  if (page === "live") return "/";
  return detail === undefined ? `/${page}` : `/${page}/${encodeURIComponent(detail)}`;
}

/** Goes to an address as if a link had been followed. */
export function go(path: string): void {
  history.pushState(null, "", path);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

/** The console address a click leads to, or null when the browser should handle the click itself. */
export function followedLink(event: MouseEvent): string | null {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.composedPath().find((target) => target instanceof HTMLAnchorElement);
  if (link?.origin !== location.origin || link.target || link.hasAttribute("download") || link.pathname.startsWith("/api/")) return null;
  return link.pathname;
}
