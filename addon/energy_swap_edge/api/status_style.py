"""How the status page looks: one style sheet, light and dark, at any width."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --line: #d9dee3; --text: #1c2329; --soft: #5b6670; --back: #fff; --good: #1a7f4b;
  --wait: #a86a00; --bad: #c02e2e; }
@media (prefers-color-scheme: dark) { :root { --line: #333c44; --text: #e8edf1; --soft: #9aa6b1; --back: #11161a;
  --good: #4cc38a; --wait: #e0a030; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 640px; font: 16px/1.45 system-ui, sans-serif; color: var(--text);
  background: var(--back); }
h1 { margin: 0; font-size: 1.4rem; }
header p { margin: 2px 0 16px; color: var(--soft); }
a { color: inherit; display: inline-block; padding: 10px 6px; }
.summary { margin: 0 0 12px; padding: 12px 14px; border: 1px solid; border-radius: 8px; }
.summary p { margin: 0; }
.summary ul { margin: 6px 0 0; padding-left: 20px; }
.summary.good { color: var(--good); }
.summary.bad { color: var(--bad); }
dl { margin: 0; }
.row { padding: 12px 0; border-top: 1px solid var(--line); }
dt { font-weight: 600; }
dd { margin: 2px 0 0 22px; overflow-wrap: anywhere; }
small { color: var(--soft); font-size: 0.875rem; }
.dot { display: inline-block; width: 12px; height: 12px; margin-right: 10px; border-radius: 50%; }
.dot.good { background: var(--good); }
.dot.wait { background: none; border: 3px solid var(--wait); }
.dot.bad { background: var(--bad); border-radius: 2px; }
h2 { margin: 20px 0 4px; font-size: 1.1rem; }
.soft { margin: 0 0 8px; color: var(--soft); }
.clients { margin: 0; padding: 0; list-style: none; }
.clients li { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 4px 16px;
  padding: 10px 0; border-top: 1px solid var(--line); }
.clients b { overflow-wrap: anywhere; }
.clients small { display: block; }
.clients .gone b { color: var(--soft); text-decoration: line-through; }
.button, button { display: inline-block; min-height: 44px; padding: 10px 16px; border: 1px solid var(--line);
  border-radius: 8px; background: none; color: var(--text); font: inherit; text-decoration: none;
  cursor: pointer; }
.button:hover, button:hover { border-color: var(--soft); }
button.bad { border-color: var(--bad); background: var(--bad); color: var(--back); font-weight: 600; }
.actions { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
"""
