// The look of the live page: on a wide screen everything fits without scrolling, on a phone it stacks.
import { css } from "lit";

export const liveStyles = css`
  .screen {
    display: grid;
    gap: var(--gap);
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) minmax(0, 236px) minmax(0, 236px);
    grid-template-rows: auto auto minmax(220px, 1fr);
    grid-template-areas:
      "map map price price"
      "map map money energy"
      "map map chart chart";
  }
  .map {
    grid-area: map;
    display: flex;
    flex-direction: column;
  }
  es-community-map {
    flex: 1;
  }
  .price {
    grid-area: price;
  }
  .money {
    grid-area: money;
  }
  .energy {
    grid-area: energy;
  }
  .chart {
    grid-area: chart;
    display: flex;
    flex-direction: column;
  }
  .chart .card-head {
    margin-bottom: 2px;
  }
  es-price-chart {
    flex: 1;
  }
  .map .card-head {
    margin-bottom: 4px;
  }
  .time {
    font-size: 13px;
  }
  .pulse {
    display: inline-block;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--grid);
    margin-right: 7px;
  }
  .pulse.live {
    background: var(--good);
    animation: beat 2s ease-out infinite;
  }
  .pulse.lost {
    background: var(--bad);
  }
  @keyframes beat {
    from {
      box-shadow: 0 0 0 0 color-mix(in srgb, var(--good) 60%, transparent);
    }
    to {
      box-shadow: 0 0 0 8px transparent;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .pulse.live {
      animation: none;
    }
  }
  .hero {
    display: flex;
    align-items: baseline;
    gap: 8px;
    color: var(--ink-soft);
    font-size: 17px;
    font-weight: 500;
  }
  .hero b {
    font-size: 50px;
    line-height: 1.05;
    font-weight: 720;
    letter-spacing: -0.04em;
    color: var(--ink);
    font-variant-numeric: tabular-nums;
  }
  .hero b.none {
    font-size: 26px;
    letter-spacing: -0.02em;
    line-height: 52px;
  }
  .price p.soft {
    font-size: 14px;
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 16px;
  }
  .figure {
    margin-top: 8px;
    color: var(--ink-soft);
    white-space: nowrap;
  }
  .figure b {
    font-size: 25px;
    line-height: 1.2;
    font-weight: 700;
    letter-spacing: -0.03em;
    color: var(--ink);
    font-variant-numeric: tabular-nums;
  }
  .figure + .soft {
    font-size: 13px;
  }
  dl {
    margin-top: 12px;
    display: grid;
    gap: 6px;
    font-size: 13px;
  }
  dl > div {
    display: flex;
    justify-content: space-between;
    gap: 8px;
  }
  dt {
    color: var(--ink-soft);
  }
  dd {
    font-weight: 560;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .bar {
    flex-wrap: wrap;
    row-gap: 3px;
  }
  .bar > span {
    flex-basis: 100%;
    height: 5px;
    border-radius: 3px;
    background: var(--sunk);
    overflow: hidden;
  }
  .bar i {
    display: block;
    height: 100%;
    border-radius: 3px;
    background: var(--tone);
    transition: width 0.6s ease;
  }
  .bar.make {
    --tone: var(--make);
  }
  .bar.use {
    --tone: var(--use);
  }
  .bar.trade {
    --tone: var(--brand);
  }
  dl.bars {
    gap: 5px;
    margin-top: 10px;
  }
  .health {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    margin-top: 8px;
    font-size: 13.5px;
    color: var(--ink-soft);
  }
  .health > * {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    min-height: var(--touch);
    padding: 0 10px;
    text-decoration: none;
  }
  .health a {
    border-radius: 12px;
    font-weight: 560;
  }
  .health a:hover {
    background: var(--sunk);
  }
  .health .well {
    color: var(--good);
  }
  .health .ill {
    color: var(--bad);
    background: var(--bad-wash);
  }
  .health span.number {
    margin-left: auto;
  }
  .waiting {
    padding: 80px 0;
    text-align: center;
    color: var(--ink-soft);
  }
  /* One screen: the map takes the height that is left. */
  @media (min-width: 1101px) and (min-height: 760px) {
    .screen {
      height: calc(100dvh - 57px - var(--gap) - 72px);
      min-height: 660px;
      max-height: 1000px;
    }
  }
  @media (max-width: 1100px) {
    .screen {
      grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
      grid-template-rows: none;
      grid-template-areas: "price map" "money map" "energy map" "chart chart";
    }
    .chart {
      min-height: 280px;
    }
  }
  @media (max-width: 860px) {
    .screen {
      grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
      grid-template-areas: "price price" "map map" "money energy" "chart chart";
    }
    es-community-map {
      min-height: 480px;
    }
    .health span.number {
      margin-left: 0;
    }
  }
  @media (max-width: 460px) {
    .screen {
      grid-template-columns: minmax(0, 1fr);
      grid-template-areas: "price" "map" "money" "energy" "chart";
    }
    .health > * {
      padding: 0 6px;
    }
  }
`;
