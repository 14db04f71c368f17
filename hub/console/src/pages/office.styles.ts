// The look of the pages on money, meters and the office: figures on top, lists of rows below.
import { css } from "lit";

export const officeStyles = css`
  .summary {
    display: grid;
    grid-template-columns: repeat(4, minmax(0, 1fr));
    gap: var(--gap);
    margin-bottom: var(--gap);
  }
  .summary .card {
    display: grid;
    align-content: start;
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
    white-space: nowrap;
  }
  .summary small {
    font-size: 12.5px;
  }
  .ill,
  .summary b.ill {
    color: var(--bad);
    font-weight: 600;
  }
  .money {
    font-weight: 640;
  }
  .unit {
    display: none;
  }
  .epochs {
    font-size: 13px;
    font-weight: 400;
    color: var(--ink-soft);
  }
  .epochs summary {
    cursor: pointer;
    padding: 4px 0;
  }
  .epochs p {
    margin: 0 0 4px;
  }
  .notice {
    display: flex;
    gap: 10px;
    align-items: center;
    border-radius: 10px;
    padding: 9px 12px;
    margin-bottom: var(--gap);
    font-weight: 560;
    background: var(--sunk);
  }
  .notice.good {
    background: var(--good-wash);
    color: var(--good);
  }
  .notice.warn {
    background: var(--warn-wash);
    color: var(--warn);
  }
  .notice.bad {
    background: var(--bad-wash);
    color: var(--bad);
  }
  button.small {
    min-height: 36px;
    padding: 0 12px;
    font-size: 13.5px;
  }
  .rows {
    list-style: none;
  }
  .rows li {
    padding: 12px 0;
    border-bottom: 1px solid var(--line);
    overflow-wrap: anywhere;
  }
  .rows li:last-child {
    border-bottom: 0;
  }
  .row-head {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 12px;
    align-items: center;
    justify-content: space-between;
  }
  .pills {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
  }
  .before-list {
    margin-bottom: 8px;
  }
  .taking {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 10px 16px;
    padding-bottom: 14px;
    border-bottom: 1px solid var(--line);
  }
  .taking label {
    margin: 0;
  }
  .taking label:focus-within {
    outline: 3px solid var(--brand);
    outline-offset: 2px;
  }
  .taking .notice {
    width: 100%;
    margin: 0;
  }
  .waiting-meter > button {
    margin-top: 12px;
  }
  .facts {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
    gap: 8px 16px;
    margin-top: 12px;
  }
  .facts dt {
    font-size: 13px;
    color: var(--ink-soft);
  }
  tr.sub td {
    padding-top: 0;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
    margin-top: 14px;
  }
  .new-factor {
    display: flex;
    flex-wrap: wrap;
    gap: 18px;
    align-items: center;
    margin-top: 14px;
  }
  .new-factor > div {
    display: grid;
    gap: 10px;
    justify-items: start;
    flex: 1 1 240px;
  }
  .qr {
    width: 196px;
    height: 196px;
    background: #fff;
    fill: #000;
    border-radius: 10px;
    flex: none;
  }
  @media (pointer: coarse), (max-width: 640px) {
    button.small {
      min-height: var(--touch);
    }
  }
  @media (max-width: 900px) {
    .summary {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
    .summary b {
      font-size: 18px;
    }
  }
  @media (max-width: 700px) {
    .unit {
      display: inline;
      margin-left: 4px;
    }
    .segments {
      width: 100%;
    }
    .segments button {
      flex: auto;
      padding: 0 6px;
      white-space: nowrap;
    }
  }
`;
