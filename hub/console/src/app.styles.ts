// The look of the console's frame: a bar on top, and on a narrow screen a bar of pages at the bottom.
import { css } from "lit";

export const appStyles = css`
  header {
    position: sticky;
    top: 0;
    z-index: 10;
    display: flex;
    align-items: center;
    gap: 8px 14px;
    padding: 6px 20px;
    background: color-mix(in srgb, var(--ground) 92%, transparent);
    backdrop-filter: blur(10px);
    border-bottom: 1px solid var(--line);
  }
  .brand {
    display: flex;
    align-items: center;
    gap: 10px;
    min-height: var(--touch);
    text-decoration: none;
    min-width: 0;
  }
  .mark {
    display: grid;
    place-items: center;
    width: 36px;
    height: 36px;
    border-radius: 10px;
    background: var(--brand);
    color: var(--brand-ink);
    flex: none;
  }
  .community {
    display: grid;
    line-height: 1.15;
    min-width: 0;
  }
  .community b {
    font-weight: 660;
    letter-spacing: -0.01em;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .community small {
    color: var(--ink-soft);
    font-size: 12px;
  }
  nav {
    display: flex;
    gap: 2px;
    margin: 0 auto;
  }
  nav a {
    position: relative;
    display: flex;
    align-items: center;
    gap: 8px;
    min-height: var(--touch);
    padding: 0 13px;
    border-radius: 12px;
    color: var(--ink-soft);
    font-weight: 560;
    font-size: 14.5px;
    text-decoration: none;
  }
  nav a:hover {
    background: var(--sunk);
    color: var(--ink);
  }
  nav a[aria-current] {
    background: var(--brand-wash);
    color: var(--good);
  }
  .count {
    background: var(--bad);
    color: var(--card);
    border-radius: 999px;
    font-size: 12px;
    font-weight: 700;
    line-height: 18px;
    min-width: 18px;
    padding: 0 5px;
    text-align: center;
  }
  .tools {
    display: flex;
    align-items: center;
  }
  .tools button {
    font-size: 13px;
    color: var(--ink-soft);
  }
  main {
    max-width: 1480px;
    margin: 0 auto;
    padding: var(--gap) 20px 20px;
    outline: none;
  }
  .lost {
    background: var(--warn-wash);
    color: var(--warn);
    text-align: center;
    padding: 8px 16px;
    font-weight: 560;
  }
  .skip {
    position: fixed;
    left: 12px;
    top: -80px;
    z-index: 20;
    background: var(--brand);
    color: var(--brand-ink);
    padding: 12px 18px;
    border-radius: 10px;
  }
  .skip:focus {
    top: 12px;
  }
  .waiting {
    min-height: 100dvh;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 16px;
  }
  .waiting .mark {
    width: 60px;
    height: 60px;
    border-radius: 18px;
  }
  @media (max-width: 1560px) {
    nav a svg {
      display: none;
    }
  }
  @media (max-width: 1320px) {
    nav a {
      padding: 0 8px;
      font-size: 14px;
    }
  }
  @media (max-width: 1120px) {
    header {
      padding: 4px 12px;
      /* A filter would hold the fixed bar of pages inside the header. */
      backdrop-filter: none;
      background: var(--ground);
    }
    .brand {
      flex: 1;
    }
    nav {
      position: fixed;
      left: 0;
      right: 0;
      bottom: 0;
      z-index: 10;
      gap: 0;
      padding: 4px 4px calc(4px + env(safe-area-inset-bottom));
      background: var(--card);
      border-top: 1px solid var(--line);
      overflow-x: auto;
      scrollbar-width: none;
    }
    nav a {
      flex: 1 0 62px;
      flex-direction: column;
      justify-content: center;
      gap: 2px;
      padding: 4px 0;
      min-height: 52px;
      font-size: 11px;
    }
    nav a svg {
      display: block;
    }
    .count {
      position: absolute;
      top: 2px;
      left: calc(50% + 6px);
    }
    main {
      padding: 12px 12px 84px;
    }
  }
  @media (max-width: 480px) {
    header {
      gap: 8px;
    }
    .community small {
      display: none;
    }
    .community b {
      white-space: normal;
      display: -webkit-box;
      -webkit-box-orient: vertical;
      -webkit-line-clamp: 2;
    }
    .badge {
      font-size: 12px;
      padding: 2px 8px;
    }
    .tools button {
      padding: 0 6px;
    }
  }
  @media (max-width: 400px) {
    nav {
      padding-inline: 0;
    }
    nav a {
      font-size: 10px;
      letter-spacing: -0.02em;
      border-radius: 8px;
    }
  }
`;
