// The look that all cards share, in the colours of the theme that Home Assistant has.
import { css } from "lit";

export const cardStyles = css`
  :host {
    --sell: var(--energy-solar-color, #e69500);
    --buy: var(--energy-grid-consumption-color, #3f7fc4);
    /* Home Assistant's own green, red and blue are too faint to be read as small text, or beneath it. */
    --good: color-mix(in srgb, var(--success-color, #2e7d32) 60%, var(--primary-text-color, #141414));
    --bad: color-mix(in srgb, var(--error-color, #c62828) 70%, var(--primary-text-color, #141414));
    --press: color-mix(in srgb, var(--primary-color, #009ac7) 78%, #000);
    --soft: var(--secondary-text-color, #5f6368);
    --line: var(--divider-color, rgb(0 0 0 / 12%));
    display: block;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  ha-card {
    height: 100%;
    display: flex;
    flex-direction: column;
    overflow: hidden;
    color: var(--primary-text-color);
  }
  .head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    flex-wrap: wrap;
    gap: 4px 12px;
    padding: 14px 16px 0;
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 600;
    line-height: 1.3;
  }
  .body {
    padding: 10px 16px 16px;
    display: grid;
    gap: 14px;
    min-width: 0;
  }
  p {
    margin: 0;
  }
  .soft {
    color: var(--soft);
    font-size: 13px;
  }
  .number {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .problem {
    color: var(--bad);
    font-size: 14px;
  }
  .pill {
    border-radius: 999px;
    padding: 2px 10px;
    font-size: 12.5px;
    font-weight: 500;
    white-space: nowrap;
    background: color-mix(in srgb, var(--soft) 14%, transparent);
  }
  .pill.good {
    color: var(--good);
    background: color-mix(in srgb, var(--good) 14%, transparent);
  }
  .pill.bad {
    color: var(--bad);
    background: color-mix(in srgb, var(--bad) 14%, transparent);
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  button {
    font: inherit;
    font-size: 14px;
    font-weight: 500;
    min-height: 44px;
    padding: 0 16px;
    border-radius: 12px;
    border: 1px solid var(--line);
    background: transparent;
    color: inherit;
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    background: color-mix(in srgb, currentcolor 8%, transparent);
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  button.primary {
    background: var(--press);
    border-color: var(--press);
    color: var(--text-primary-color, #fff);
  }
  .actions > button {
    flex: 1 1 auto;
  }
  :focus-visible {
    outline: 2px solid var(--primary-color);
    outline-offset: 2px;
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;
