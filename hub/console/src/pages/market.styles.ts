// The look of the market page: periods beside their curves, the book beside the auctions, trades below.
import { css } from "lit";

export const marketStyles = css`
  .layout {
    display: grid;
    gap: var(--gap);
    grid-template-columns: minmax(300px, 380px) minmax(0, 1fr) minmax(0, 1fr);
    grid-template-areas: "periods curves curves" "periods book auctions" "trades trades trades";
    align-items: stretch;
  }
  .advice {
    margin-bottom: var(--gap);
  }
  .periods {
    grid-area: periods;
    display: flex;
    flex-direction: column;
    min-height: 0;
    contain: size;
  }
  .periods es-long-rows {
    flex: 1;
    min-height: 0;
  }
  .periods .long-box {
    height: 100%;
    max-height: none;
  }
  .periods td {
    padding: 4px 10px;
  }
  .periods button.link {
    min-height: 36px;
    font-weight: 500;
  }
  .day {
    display: block;
    font-size: 13px;
    font-weight: 600;
    color: var(--ink-soft);
    padding-top: 10px;
  }
  .curves {
    grid-area: curves;
  }
  .book {
    grid-area: book;
  }
  .auctions {
    grid-area: auctions;
  }
  .trades {
    grid-area: trades;
  }
  .price {
    font-weight: 640;
  }
  .answer {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 36px;
    margin-bottom: 8px;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .answer b {
    display: block;
    font-size: 22px;
    font-weight: 700;
    letter-spacing: -0.03em;
    color: var(--ink);
    font-variant-numeric: tabular-nums;
  }
  details {
    margin-top: 8px;
    border-top: 1px solid var(--line);
  }
  summary {
    min-height: var(--touch);
    display: flex;
    align-items: center;
    cursor: pointer;
    font-weight: 560;
    font-size: 14px;
  }
  summary::after {
    content: "";
    width: 8px;
    height: 8px;
    border: solid var(--ink-soft);
    border-width: 0 2px 2px 0;
    rotate: 45deg;
    margin: -4px 6px 0 auto;
  }
  details[open] summary::after {
    rotate: 225deg;
    margin-top: 4px;
  }
  ul {
    list-style: none;
  }
  details li {
    display: flex;
    flex-wrap: wrap;
    justify-content: space-between;
    gap: 0 16px;
    padding: 5px 0;
    font-size: 14px;
  }
  .lots {
    max-height: 460px;
    overflow-y: auto;
  }
  .lots li {
    display: flex;
    justify-content: space-between;
    gap: 16px;
    padding: 12px 0;
    border-bottom: 1px solid var(--line);
    font-size: 14px;
  }
  .lots li:last-child {
    border-bottom: 0;
  }
  .lots .soft {
    display: block;
    font-size: 13px;
  }
  .bid {
    text-align: right;
  }
  td a {
    display: inline-flex;
    align-items: center;
    min-height: 32px;
    text-decoration: none;
    font-weight: 560;
  }
  td a:hover {
    text-decoration: underline;
  }
  .unit {
    color: var(--ink-faint);
    font-size: 13px;
  }
  @media (max-width: 1000px) {
    .layout {
      grid-template-columns: minmax(0, 1fr);
      grid-template-areas: "curves" "periods" "book" "auctions" "trades";
    }
    .periods {
      contain: none;
    }
    .periods .long-box {
      max-height: 330px;
    }
    .answer {
      gap: 8px 20px;
    }
    .answer b {
      font-size: 17px;
    }
    .periods button.link {
      min-height: var(--touch);
    }
    td a {
      display: inline;
      padding-block: 12px;
    }
  }
`;
