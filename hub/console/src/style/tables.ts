// Styles of tables, which become short cards on a narrow screen.
import { css } from "lit";

/** On a narrow screen a row becomes a card: `lead` and `tail` share its first line, the rest follows small; `wide-only` cells are left out. */
export const tableStyles = css`
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 14px;
  }
  th {
    text-align: left;
    font-weight: 560;
    font-size: 13px;
    color: var(--ink-soft);
    padding: 8px 10px;
    border-bottom: 1px solid var(--line);
    white-space: nowrap;
  }
  td {
    padding: 10px;
    border-bottom: 1px solid var(--line);
    vertical-align: middle;
  }
  tbody tr:last-child td {
    border-bottom: 0;
  }
  th.right,
  td.right {
    text-align: right;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  tr.pick {
    cursor: pointer;
  }
  tr.pick:hover td,
  tr.picked td {
    background: var(--sunk);
  }
  td button.link {
    border: 0;
    background: none;
    padding: 0;
    min-height: 32px;
    color: var(--ink);
    font-weight: 600;
    text-align: left;
    line-height: 1.25;
    justify-content: flex-start;
  }
  td button.link:hover {
    background: none;
    text-decoration: underline;
  }
  .long-box {
    max-height: min(72dvh, 760px);
    overflow-y: auto;
    overflow-anchor: none;
    contain: layout style paint;
    margin: 0 -10px;
  }
  ul.rows,
  ul.entries {
    padding: 0 10px;
  }
  table.long thead th {
    position: sticky;
    top: 0;
    z-index: 1;
    background: var(--card);
    box-shadow: inset 0 -1px var(--line);
    border: 0;
  }
  th.name {
    width: 22%;
  }
  th button.sort {
    min-height: 32px;
    padding: 0;
    border: 0;
    background: none;
    font: inherit;
    color: inherit;
    gap: 3px;
  }
  th button.sort:hover {
    background: none;
    text-decoration: underline;
  }
  th[aria-sort] {
    color: var(--ink);
  }
  .list-head {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    margin-bottom: 10px;
  }
  .list-head .find {
    flex: 1 1 220px;
    max-width: 420px;
  }
  .list-head .choose {
    width: auto;
    flex: 0 1 auto;
    min-width: 0;
    padding: 9px 8px;
    font-size: 15px;
  }
  .coming,
  .coming td {
    color: var(--ink-faint);
  }
  @media (min-width: 701px) {
    .narrow-only {
      display: none;
    }
    table.long {
      table-layout: fixed;
    }
    table.long td {
      overflow-wrap: anywhere;
    }
  }
  .empty {
    color: var(--ink-soft);
    padding: 18px 10px;
    text-align: center;
  }
  @media (max-width: 700px) {
    .long-box {
      margin: 0 -4px;
    }
    ul.rows,
    ul.entries {
      padding: 0 4px;
    }
    .list-head .find {
      flex-basis: 100%;
      max-width: none;
    }
    .list-head .choose {
      flex: 1 1 0;
    }
    table.cards thead,
    table.cards .wide-only {
      display: none;
    }
    table.cards tr {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0 12px;
      padding: 8px 4px;
      border-bottom: 1px solid var(--line);
    }
    table.cards tr::after {
      content: "";
      order: 1;
      flex-basis: 100%;
    }
    table.cards tbody tr:last-child {
      border-bottom: 0;
    }
    table.cards td {
      order: 2;
      border: 0;
      padding: 0;
      font-size: 13px;
      color: var(--ink-soft);
    }
    table.cards td.lead,
    table.cards td.tail {
      order: 0;
      display: flex;
      align-items: center;
      min-height: 36px;
      font-size: 15px;
      color: var(--ink);
    }
    table.cards td.lead {
      flex: 1 1 0;
      min-width: 0;
    }
    table.cards td.tail {
      justify-content: flex-end;
    }
    table.cards tr.picked td {
      background: none;
    }
    td button.link {
      min-height: var(--touch);
    }
  }
`;
