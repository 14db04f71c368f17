// The look of the community map: sun-coloured givers, blue takers, drops that run along the streams.
import { css } from "lit";

export const mapStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
  }
  .stage {
    flex: 1;
    min-height: 360px;
    position: relative;
    overflow: hidden;
    touch-action: manipulation;
  }
  svg {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    display: block;
  }
  text {
    font: 400 12px/1 var(--font);
    fill: var(--ink-soft);
    font-variant-numeric: tabular-nums;
  }
  .strong {
    font-weight: 600;
    fill: var(--ink);
  }
  .total {
    font-size: 19px;
    font-weight: 680;
    letter-spacing: -0.02em;
  }
  .total.gives {
    fill: var(--make-ink);
  }
  .total.takes {
    fill: var(--use-ink);
  }
  .totals line {
    stroke: var(--line-strong);
  }
  .end {
    text-anchor: end;
  }
  .middle {
    text-anchor: middle;
  }
  .short {
    font-size: 10px;
    fill: var(--ink);
    pointer-events: none;
  }
  .halo {
    paint-order: stroke;
    stroke: var(--card);
    stroke-width: 4px;
    stroke-linejoin: round;
  }
  .stream path {
    fill: none;
    stroke: var(--tone);
    stroke-opacity: 0.26;
    transition: stroke-width 0.6s ease;
  }
  .stream .drops {
    stroke-opacity: 0.95;
    stroke-linecap: round;
    stroke-dasharray: 0.1 23.9;
    animation: run 1.5s linear infinite;
  }
  .stream .drops.outward {
    animation-direction: reverse;
  }
  .gives {
    --tone: var(--make);
  }
  .takes {
    --tone: var(--use);
  }
  .grid {
    --tone: var(--grid);
  }
  .trade {
    --tone: var(--brand);
  }
  .trade path {
    stroke-opacity: 0.6;
  }
  .has-choice .stream:not(.chosen, .trade) path {
    stroke-opacity: 0.07;
  }
  .has-choice .stream:not(.chosen, .trade) .drops {
    display: none;
  }
  @keyframes run {
    from {
      stroke-dashoffset: 24;
    }
    to {
      stroke-dashoffset: 0;
    }
  }
  /* Nothing moves on a picture that may be old. */
  :host(.stale) .stream .drops {
    animation-play-state: paused;
  }
  @media (prefers-reduced-motion: reduce) {
    .stream .drops {
      animation: none;
    }
  }
  .centre circle {
    fill: var(--card);
    stroke: var(--brand);
    stroke-width: 3;
  }
  .centre text {
    text-anchor: middle;
  }
  .centre .figure {
    font-weight: 700;
    fill: var(--ink);
    letter-spacing: -0.03em;
  }
  .grid-node circle {
    fill: var(--sunk);
    stroke: var(--grid);
    stroke-width: 1.5;
  }
  .grid-node path {
    fill: none;
    stroke: var(--ink-soft);
    stroke-width: 1.6;
    stroke-linejoin: round;
    stroke-linecap: round;
  }
  .house {
    cursor: pointer;
    outline: none;
    transition: opacity 0.2s;
  }
  .house.dim {
    opacity: 0.38;
  }
  .house .body {
    fill: var(--tone);
    stroke: var(--card);
    stroke-width: 2;
    transition: r 0.6s ease;
  }
  .house path {
    fill: none;
    stroke: #fff;
    stroke-width: 1.9;
    stroke-linecap: round;
    stroke-linejoin: round;
    pointer-events: none;
  }
  .house.gives path {
    stroke: #3a2600;
  }
  @media (prefers-color-scheme: dark) {
    .house path {
      stroke: #0d1210;
    }
  }
  .house.silent,
  .house.rests {
    --tone: var(--grid);
  }
  .house .sun {
    fill: none;
    stroke: var(--make);
    stroke-width: 3;
    stroke-dasharray: 2.5 3.5;
  }
  .house[aria-pressed="true"] .body,
  .house:focus-visible .body {
    stroke: var(--ink);
    stroke-width: 3;
  }
  .quantity.traded {
    fill: var(--good);
    font-weight: 600;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 18px;
    min-height: var(--touch);
    padding-top: 8px;
    border-top: 1px solid var(--line);
    font-size: 13.5px;
    color: var(--ink-soft);
  }
  .foot b {
    color: var(--ink);
  }
  .foot a {
    margin-left: auto;
    color: var(--good);
    font-weight: 600;
    min-height: var(--touch);
    display: inline-flex;
    align-items: center;
  }
  .key::before {
    content: "";
    display: inline-block;
    width: 10px;
    height: 10px;
    border-radius: 50%;
    background: var(--tone);
    margin-right: 7px;
  }
  .key.sunny::before {
    background: none;
    border: 2px dashed var(--make);
  }
  .hint {
    margin-left: auto;
  }
  @media (max-width: 640px) {
    .stage {
      min-height: 450px;
    }
    .hint {
      margin-left: 0;
      flex-basis: 100%;
    }
  }
`;
