// The look of the review queue.
import { css } from "lit";

export const reviewStyles = css`
  .stack {
    grid-template-columns: repeat(auto-fill, minmax(min(540px, 100%), 1fr));
    align-items: start;
  }
  .none,
  .before {
    grid-column: 1 / -1;
  }
  article.open {
    border-left: 4px solid var(--bad);
  }
  .subject {
    color: var(--ink-soft);
    font-weight: 500;
    margin-left: 6px;
    overflow-wrap: anywhere;
  }
  .before {
    margin-top: 10px;
    color: var(--ink-soft);
  }
  .none {
    display: grid;
    justify-items: center;
    gap: 8px;
    padding: 40px 20px;
    color: var(--good);
    text-align: center;
  }
  .evidence {
    display: grid;
    background: var(--sunk);
    border-radius: 12px;
    padding: 4px 14px;
    font-size: 14px;
  }
  .evidence > div {
    display: grid;
    grid-template-columns: minmax(110px, 200px) minmax(0, 1fr);
    gap: 16px;
    padding: 7px 0;
    border-bottom: 1px solid var(--line);
  }
  .evidence > div:last-child {
    border-bottom: 0;
  }
  dt {
    color: var(--ink-soft);
  }
  dd {
    font-weight: 560;
    overflow-wrap: anywhere;
    font-variant-numeric: tabular-nums;
  }
  pre {
    margin: 0;
    font: 400 13px/1.5 var(--mono);
    white-space: pre-wrap;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    margin-top: 14px;
  }
  .told {
    margin-top: 10px;
  }
  .resolution {
    display: flex;
    gap: 10px;
    margin-top: 10px;
    color: var(--good);
    font-weight: 560;
  }
  summary {
    min-height: var(--touch);
    display: flex;
    align-items: center;
    cursor: pointer;
    color: var(--ink-soft);
  }
  @media (max-width: 520px) {
    .evidence > div {
      grid-template-columns: 1fr;
      gap: 0;
    }
  }
`;
