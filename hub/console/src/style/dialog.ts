// The look of a dialog that asks something before it is done.
import { css } from "lit";

export const dialogStyles = css`
  dialog {
    width: min(520px, calc(100% - 24px));
    max-height: calc(100dvh - 32px);
    margin: auto;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--card);
    color: var(--ink);
    padding: 20px;
    box-shadow: 0 16px 60px rgb(0 0 0 / 24%);
  }
  dialog.wide {
    width: min(640px, calc(100% - 24px));
  }
  dialog::backdrop {
    background: rgb(10 16 13 / 40%);
  }
  h2 {
    font-size: 19px;
    outline: none;
  }
  .lead {
    margin-top: 10px;
    color: var(--ink-soft);
  }
  form {
    display: grid;
    gap: 14px;
    margin-top: 16px;
  }
  .problem {
    background: var(--bad-wash);
    color: var(--bad);
    border-radius: 10px;
    padding: 9px 12px;
    font-weight: 560;
    overflow-wrap: anywhere; /* signatures and keys */
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 10px;
  }
`;
