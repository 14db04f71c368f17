// Styles that every page and part shares: cards, headings, buttons, pills, fields.
import { css } from "lit";

export const baseStyles = css`
  :host {
    display: block;
  }
  :host([hidden]) {
    display: none;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  dl,
  dd,
  ul {
    margin: 0;
    padding: 0;
  }
  h1 {
    font-size: 24px;
    font-weight: 680;
    letter-spacing: -0.02em;
    line-height: 1.2;
  }
  h2 {
    font-size: 15px;
    font-weight: 640;
    letter-spacing: -0.005em;
  }
  a {
    color: inherit;
  }
  .soft {
    color: var(--ink-soft);
  }
  .number {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .mono {
    font-family: var(--mono);
    font-size: 0.87em;
    overflow-wrap: anywhere;
  }
  .hidden-text {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  :focus-visible {
    outline: 3px solid var(--brand);
    outline-offset: 2px;
    border-radius: 6px;
  }
  .card {
    background: var(--card);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    box-shadow: var(--shadow);
    padding: 18px 20px;
    min-width: 0;
  }
  .card-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    flex-wrap: wrap;
    gap: 4px 12px;
    margin-bottom: 12px;
  }
  .page-head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    flex-wrap: wrap;
    gap: 8px 16px;
    margin-bottom: var(--gap);
  }
  .page-head p {
    color: var(--ink-soft);
    width: 100%;
  }
  .stack {
    display: grid;
    gap: var(--gap);
    grid-template-columns: minmax(0, 1fr);
  }
  @media (max-width: 640px) {
    .card {
      padding: 14px;
    }
    h1 {
      font-size: 21px;
    }
  }
`;

export const controlStyles = css`
  button,
  .button {
    font: 600 15px/1 var(--font);
    min-height: var(--touch);
    padding: 0 18px;
    border-radius: var(--radius-small);
    border: 1px solid var(--line-strong);
    background: var(--card);
    color: var(--ink);
    cursor: pointer;
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    text-decoration: none;
  }
  button:hover:not(:disabled) {
    background: var(--sunk);
  }
  button:disabled {
    opacity: 0.55;
    cursor: default;
  }
  button.primary {
    background: var(--brand);
    border-color: var(--brand);
    color: var(--brand-ink);
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--brand) 88%, var(--ink));
  }
  button.quiet {
    border-color: transparent;
    background: transparent;
    padding: 0 10px;
    min-width: var(--touch);
  }
  input,
  select,
  textarea {
    font: 400 16px/1.4 var(--font);
    color: var(--ink);
    background: var(--card);
    border: 1px solid var(--line-strong);
    border-radius: var(--radius-small);
    min-height: var(--touch);
    padding: 9px 12px;
    width: 100%;
  }
  label {
    display: block;
    font-weight: 560;
    margin-bottom: 6px;
  }
  .pill {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    border-radius: 999px;
    padding: 3px 10px;
    font-size: 13px;
    font-weight: 560;
    line-height: 1.4;
    background: var(--sunk);
    color: var(--ink-soft);
    white-space: nowrap;
  }
  .pill.good {
    background: var(--good-wash);
    color: var(--good);
  }
  .pill.warn {
    background: var(--warn-wash);
    color: var(--warn);
  }
  .pill.bad {
    background: var(--bad-wash);
    color: var(--bad);
  }
  .pill.make {
    background: var(--make-wash);
    color: var(--make-ink);
  }
  .pill.use {
    background: var(--use-wash);
    color: var(--use-ink);
  }
  .segments {
    display: inline-flex;
    background: var(--sunk);
    border-radius: 12px;
    padding: 3px;
    gap: 2px;
  }
  .segments button {
    border: 0;
    background: transparent;
    color: var(--ink-soft);
    min-height: 38px;
    padding: 0 14px;
    font-size: 14px;
    border-radius: 9px;
  }
  .segments button[aria-pressed="true"],
  .segments button[aria-selected="true"] {
    background: var(--raised);
    color: var(--ink);
    box-shadow: 0 1px 3px rgb(0 0 0 / 14%);
  }
  @media (pointer: coarse), (max-width: 640px) {
    .segments button {
      min-height: var(--touch);
    }
  }
`;
