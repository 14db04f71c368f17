// The look of the chain page.
import { css } from "lit";

export const chainStyles = css`
  .stack {
    grid-template-columns: minmax(0, 3fr) minmax(0, 2fr);
  }
  .intents {
    grid-column: 1 / -1;
  }
  .sum {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 28px;
    padding: 6px 0 16px;
  }
  .sum span {
    display: block;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .sum b {
    font-size: 34px;
    line-height: 1.15;
    font-weight: 720;
    letter-spacing: -0.035em;
    font-variant-numeric: tabular-nums;
  }
  .sum small {
    font-size: 14px;
    color: var(--ink-soft);
    margin-left: 6px;
  }
  .sum i {
    font: 600 30px/1 var(--font);
    color: var(--good);
  }
  .sum.ill i {
    color: var(--bad);
  }
  .supply dl {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 36px;
  }
  .supply dt::before {
    content: "";
    display: inline-block;
    width: 10px;
    height: 10px;
    border-radius: 3px;
    margin-right: 7px;
    background: var(--tone);
  }
  .minted {
    border-top: 1px solid var(--line);
    padding-top: 14px;
    font-size: 13px;
    color: var(--ink-soft);
  }
  .share {
    display: flex;
    gap: 3px;
    height: 16px;
    margin: 8px 0 12px;
  }
  .share:empty {
    background: var(--sunk);
    border-radius: 4px;
  }
  .share i {
    flex-basis: 0;
    min-width: 3px;
    border-radius: 4px;
    background: var(--tone);
  }
  .burned {
    --tone: var(--use);
  }
  .escrow {
    --tone: var(--make);
  }
  .held {
    --tone: var(--brand);
  }
  dt {
    font-size: 13px;
    color: var(--ink-soft);
  }
  dd {
    font-weight: 600;
    font-variant-numeric: tabular-nums;
  }
  .what small {
    display: block;
    font-size: 13px;
    font-weight: 400;
    color: var(--ink-soft);
    overflow-wrap: anywhere;
  }
  .keys .notice {
    display: flex;
    gap: 10px;
    align-items: center;
    border-radius: 10px;
    padding: 9px 12px;
    margin: 0 0 12px;
    background: var(--warn-wash);
    color: var(--warn);
  }
  .keys .notice svg {
    flex: none;
  }
  .custody {
    overflow-wrap: anywhere;
    margin: 8px 0 10px;
    color: var(--ink);
    max-width: 60ch;
  }
  .keys dl > div {
    display: flex;
    justify-content: space-between;
    align-items: center;
    gap: 12px;
    min-height: 42px;
    padding: 8px 0;
    border-top: 1px solid var(--line);
  }
  .keys dd {
    text-align: right;
    overflow-wrap: anywhere;
  }
  .keys dd .soft {
    font-weight: 400;
    margin-left: 6px;
  }
  td.what button.link {
    color: var(--brand);
    font-size: 13px;
    display: block;
  }
  .what small.error {
    color: var(--bad);
  }
  @media (max-width: 900px) {
    .stack {
      grid-template-columns: minmax(0, 1fr);
    }
  }
  @media (max-width: 700px) {
    .sum {
      gap: 6px 14px;
    }
    .sum b {
      font-size: 24px;
    }
    .sum small {
      display: none;
    }
  }
`;
