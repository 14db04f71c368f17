// The console's icons, drawn on a 24-unit grid with the current text colour.
import { svg, type SVGTemplateResult } from "lit";

const STROKES = {
  live: "M3 12h4l3-8 4 16 3-8h4",
  households: "M4 11l8-7 8 7M6 9.5V20h12V9.5M10 20v-5h4v5",
  market: "M4 19V5M4 19h16M8 15l4-5 3 3 5-7",
  ledger: "M6 4h12v16H6zM9 8h6M9 12h6M9 16h3",
  money: "M3 7h18v10H3zM12 9.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5zM6 12h.5M17.500 12h.5",
  meters: "M4 17a8.500 8.500 0 1 1 16 0M12 15l4-5M4 17h16",
  office: "M12 4l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V7zM9 12l2 2 4-4",
  settings: "M4 7h9M17 7h3M15 5v4M4 12h2M10 12h10M8 10v4M4 17h8M16 17h4M14 15v4",
  chain: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-6-5.600l-1.200 1.200M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 6 5.600l1.200-1.200",
  reviews: "M5 4h14v16l-7-4-7 4zM9 9h6",
  check: "M5 12.500l4.500 4.500L19 7.500",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  right: "M9 6l6 6-6 6",
  leave: "M10 5H5v14h5M14 8l4 4-4 4M18 12H9",
  swap: "M5 9h13M14 5l4 4-4 4M19 15H6M10 11l-4 4 4 4",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5z",
} as const;

export type IconName = keyof typeof STROKES;

export function icon(name: IconName, size = 20): SVGTemplateResult {
  return svg`<svg viewBox="0 0 24 24" width=${size} height=${size} fill="none" stroke="currentColor" stroke-width="1.9"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" style="flex:none"><path d=${STROKES[name]}></path></svg>`;
}
