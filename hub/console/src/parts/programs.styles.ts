// The look of the form that makes a program's token.
import { css } from "lit";

export const programsStyles = css`
  form {
    display: grid;
    gap: 14px;
  }
  fieldset {
    border: 0;
    padding: 0;
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(200px, 1fr));
    gap: 6px 16px;
  }
  legend {
    padding: 0;
    margin-bottom: 6px;
    font-weight: 560;
  }
  .choice {
    display: flex;
    gap: 10px;
    align-items: center;
    min-height: 40px;
    font-weight: 400;
  }
  .choice input {
    flex: none;
    width: 20px;
    min-height: 20px;
    padding: 0;
    accent-color: var(--brand);
  }
  input,
  select {
    margin-top: 6px;
  }
  .choice input {
    margin: 0;
  }
  .token {
    margin: 14px 0;
    padding: 12px;
    border-radius: 10px;
    background: var(--sunk);
    overflow-wrap: anywhere;
    text-align: left;
  }
`;
