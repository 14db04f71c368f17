// The look of the ledger page.
import { css } from "lit";

export const ledgerStyles = css`
  .summary {
    display: grid;
    grid-template-columns: repeat(4, minmax(0, 1fr));
    gap: var(--gap);
    margin-bottom: var(--gap);
  }
  .summary .card {
    display: grid;
    align-content: center;
    padding: 14px 18px;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .summary b {
    font-size: 21px;
    font-weight: 700;
    letter-spacing: -0.03em;
    color: var(--ink);
    font-variant-numeric: tabular-nums;
  }
  .summary .state {
    display: flex;
    align-items: center;
    gap: 10px;
    font-size: 14px;
    font-weight: 600;
  }
  .state.well {
    color: var(--good);
    background: var(--good-wash);
    border-color: transparent;
  }
  .state.ill {
    color: var(--bad);
    background: var(--bad-wash);
    border-color: transparent;
  }
  .export {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    align-items: center;
    gap: 0 16px;
    min-height: var(--touch);
    margin-top: -8px;
    font-size: 14px;
  }
  .export a {
    padding: 12px 0;
  }
  .balances a,
  .postings a {
    display: inline-block;
    padding: 8px 0;
  }
  .entries {
    list-style: none;
    margin: -8px 0;
  }
  .entries li {
    border-bottom: 1px solid var(--line);
  }
  .entries li:last-child {
    border-bottom: 0;
  }
  summary {
    display: grid;
    grid-template-columns: 110px minmax(0, 1fr) auto 20px;
    gap: 4px 16px;
    align-items: center;
    min-height: 48px;
    padding: 4px 0;
    cursor: pointer;
    font-size: 14px;
    list-style: none;
  }
  summary::-webkit-details-marker {
    display: none;
  }
  .when {
    color: var(--ink-soft);
  }
  .sums {
    display: grid;
    grid-template-columns: 112px 112px;
    gap: 16px;
    text-align: right;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .money {
    font-weight: 640;
  }
  .tokens {
    color: var(--ink-soft);
  }
  .turn {
    color: var(--ink-faint);
    display: grid;
  }
  details[open] .turn {
    rotate: 180deg;
  }
  .postings {
    background: var(--sunk);
    border-radius: 12px;
    padding: 8px 10px 12px;
    margin-bottom: 12px;
  }
  .postings td {
    padding: 6px 8px;
    border-bottom-color: var(--line);
  }
  td.mono {
    font-size: 13px;
  }
  .plus {
    color: var(--good);
  }
  td.currency {
    width: 64px;
    color: var(--ink-soft);
  }
  .origin {
    font-size: 13px;
    padding: 8px 8px 0;
  }
  .balances {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    gap: 8px 40px;
    align-items: start;
  }
  caption {
    text-align: left;
    font-size: 17px;
    font-weight: 680;
    padding: 4px 10px;
  }
  .balances td {
    padding: 7px 10px;
  }
  .group th {
    padding-top: 14px;
  }
  tfoot td {
    font-weight: 680;
    border-top: 2px solid var(--line-strong);
    border-bottom: 0;
  }
  tfoot .well td.right {
    color: var(--good);
  }
  tfoot .ill td {
    color: var(--bad);
  }
  .fund {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 8px 32px;
    align-items: center;
    margin-bottom: 12px;
    font-size: 14px;
  }
  .holds {
    font-size: 13px;
    color: var(--ink-soft);
  }
  .holds b {
    display: block;
    font-size: 21px;
    letter-spacing: -0.03em;
    color: var(--ink);
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .unit {
    display: none;
    margin-left: 4px;
  }
  @media (max-width: 900px) {
    .summary {
      grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
      gap: 8px;
    }
    .summary .card {
      padding: 10px 12px;
    }
    .summary b {
      font-size: 17px;
    }
  }
  @media (max-width: 700px) {
    .fund {
      grid-template-columns: minmax(0, 1fr);
    }
    .unit {
      display: inline;
    }
    summary {
      grid-template-columns: auto minmax(0, 1fr) 20px;
      gap: 0 12px;
      padding: 8px 0;
    }
    .when {
      grid-row: 2;
      font-size: 13px;
    }
    .text {
      font-weight: 560;
      grid-column: 1 / 3;
      grid-row: 1;
    }
    .sums {
      grid-column: 2;
      display: flex;
      gap: 12px;
      font-size: 13px;
    }
    .sums > :empty {
      display: none;
    }
    .turn {
      grid-column: 3;
      grid-row: 1 / 3;
    }
    .balances {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
