// How the app looks: one column of cards on a phone, two on a wide screen, big figures, and targets for thumbs.
import { css } from "lit";

export const look = css`
  .page {
    display: grid;
    gap: 14px;
    grid-template-columns: minmax(0, 1fr);
  }
  @media (min-width: 860px) {
    .page.two {
      grid-template-columns: repeat(2, minmax(0, 1fr));
      align-items: start;
    }
    .page .wide {
      grid-column: 1 / -1;
    }
  }
  .column {
    display: grid;
    gap: 14px;
    align-content: start;
    min-width: 0;
  }
  .card {
    padding: 18px;
    border-radius: 20px;
  }
  .card > h2 {
    font-size: 16px;
    margin-bottom: 4px;
  }
  .card > h2 + details {
    margin-top: 6px;
  }
  .lead {
    color: var(--ink-soft);
    font-size: 14px;
    margin-bottom: 14px;
  }
  .big {
    font-size: clamp(34px, 11vw, 46px);
    font-weight: 720;
    letter-spacing: -0.035em;
    line-height: 1.08;
    font-variant-numeric: tabular-nums;
  }
  .middle {
    font-size: 24px;
    font-weight: 680;
    letter-spacing: -0.02em;
    font-variant-numeric: tabular-nums;
  }
  .label {
    font-size: 13px;
    font-weight: 560;
    color: var(--ink-soft);
  }
  .row {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 10px;
  }
  .buttons {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(120px, 1fr));
    gap: 10px;
    margin-top: 16px;
  }
  button,
  .button {
    min-height: 50px;
    border-radius: 14px;
    font-size: 16px;
  }
  a.button {
    justify-content: center;
    text-align: center;
    padding: 0 8px;
    font-size: 15px;
  }
  button.small {
    min-height: var(--touch);
    font-size: 14px;
    padding: 0 14px;
    flex: none;
  }
  button.block {
    width: 100%;
    margin-top: 14px;
  }
  input,
  select,
  textarea {
    font: 400 17px/1.4 var(--font);
    color: var(--ink);
    background: var(--card);
    border: 1px solid var(--line-strong);
    border-radius: 12px;
    min-height: 50px;
    padding: 10px 14px;
    width: 100%;
  }
  .field + .field {
    margin-top: 14px;
  }
  .help {
    font-size: 13px;
    color: var(--ink-soft);
    margin-top: 6px;
  }
  .chips {
    display: grid;
    grid-template-columns: repeat(4, minmax(0, 1fr));
    gap: 6px;
    margin: 8px 0 12px;
  }
  .chips button {
    padding: 0 2px;
    min-height: 50px;
    font-size: 14px;
    letter-spacing: -0.01em;
    font-variant-numeric: tabular-nums;
  }
  .chips button[aria-pressed="true"] {
    background: var(--brand-wash);
    border-color: var(--brand);
    color: var(--brand);
  }
  .tell {
    border-radius: 12px;
    padding: 11px 14px;
    font-size: 14px;
    font-weight: 540;
    margin-top: 12px;
    background: var(--good-wash);
    color: var(--good);
  }
  .told {
    scroll-margin: 20px 0 calc(84px + env(safe-area-inset-bottom));
  }
  .tell.bad {
    background: var(--bad-wash);
    color: var(--bad);
  }
  .tell.warn {
    background: var(--warn-wash);
    color: var(--warn);
  }
  ul.list {
    list-style: none;
    margin: 0;
  }
  ul.list li {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    padding: 12px 0;
    border-top: 1px solid var(--line);
  }
  ul.list li:first-child {
    border-top: 0;
  }
  ul.list .what {
    min-width: 0;
  }
  ul.list .what b {
    display: block;
    font-weight: 600;
  }
  ul.list .what span {
    font-size: 13px;
    color: var(--ink-soft);
  }
  ul.list .much {
    text-align: right;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
    font-weight: 620;
  }
  ul.list .much span {
    display: block;
    font-weight: 400;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .plus {
    color: var(--good);
  }
  .figures {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 12px;
  }
  .figures div {
    background: var(--sunk);
    border-radius: 14px;
    padding: 12px 14px;
  }
  .figures b {
    display: block;
    font-size: 19px;
    font-weight: 660;
    letter-spacing: -0.015em;
    font-variant-numeric: tabular-nums;
  }
  .help + .field {
    margin-top: 14px;
  }
  .empty {
    color: var(--ink-soft);
    font-size: 14px;
    padding: 10px 0;
  }
  .segments {
    display: grid;
    grid-auto-flow: column;
    grid-auto-columns: 1fr;
  }
  .segments button {
    min-height: 46px;
    font-size: 15px;
  }
  .choice {
    display: flex;
    align-items: center;
    gap: 12px;
    min-height: var(--touch);
    margin: 12px 0 0;
    font-weight: 540;
  }
  .choice input {
    width: 22px;
    min-height: 22px;
    accent-color: var(--brand);
    flex: none;
  }
  .choice small {
    display: block;
    font-size: 13px;
    font-weight: 400;
    color: var(--ink-soft);
  }
  details summary {
    cursor: pointer;
    min-height: var(--touch);
    display: flex;
    align-items: center;
    font-weight: 600;
    justify-content: space-between;
    gap: 8px;
  }
  summary::-webkit-details-marker {
    display: none;
  }
  summary::after {
    content: "";
    width: 8px;
    height: 8px;
    margin: 0 4px 4px 0;
    border: solid var(--ink-soft);
    border-width: 0 2px 2px 0;
    transform: rotate(45deg);
    flex: none;
  }
  details[open] > summary::after {
    margin: 4px 4px 0 0;
    transform: rotate(225deg);
  }
  details + details {
    border-top: 1px solid var(--line);
  }
  details p {
    color: var(--ink-soft);
    padding-bottom: 14px;
  }
  svg.qr {
    width: min(220px, 70vw);
    background: #fff;
    border-radius: 16px;
    display: block;
    margin: 4px auto 12px;
  }
  svg.qr path {
    fill: #111;
  }
`;
