// The look of what belongs to one member: titled lists of a line each, with what can be done at its end.
import { css } from "lit";

export const fileStyles = css`
  :host {
    display: block;
  }
  h2 {
    font-size: 15px;
    margin: 24px 0 8px;
  }
  ul {
    list-style: none;
  }
  li {
    display: flex;
    flex-wrap: wrap;
    gap: 6px 12px;
    align-items: center;
    justify-content: space-between;
    padding: 10px 0;
    border-bottom: 1px solid var(--line);
  }
  li > span:first-child {
    display: flex;
    gap: 10px;
    align-items: center;
    min-width: 0;
    overflow-wrap: anywhere;
  }
  small {
    display: block;
    color: var(--ink-soft);
    font-size: 13px;
  }
  .there {
    color: var(--good);
  }
  .lacks {
    color: var(--warn);
  }
  .number {
    font-variant-numeric: tabular-nums;
    font-weight: 600;
  }
  button.small,
  a.small {
    display: inline-flex;
    align-items: center;
    min-height: 44px;
    padding: 0 12px;
    font-size: 13.5px;
  }
`;
