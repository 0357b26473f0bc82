"""How a receipt looks, on a screen, a phone and paper, by day and by night. Decides nothing.

Part of the format: a receipt is compared byte for byte with what is rendered, so a change here is a new format.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f4ef; --sheet: #fffefc; --line: #ddd7ca; --ink: #1a1d22; --muted: #575c66; --accent: #0e5c5b;
  --good: #0b5c4e; --good-soft: #cfe8df; --bad: #8a3a11; --bad-soft: #f6dfcf; --gone: #5b3f80; --gone-soft: #e6dcf2;
  --quiet-soft: #e8e4da;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #13151a; --sheet: #1c1f26; --line: #2f333c; --ink: #eeebe5; --muted: #a8acb5; --accent: #74d3ca;
    --good: #7fdcc6; --good-soft: #1c4038; --bad: #f0b186; --bad-soft: #432a1a; --gone: #cdb6ea; --gone-soft: #342848;
    --quiet-soft: #2a2e37;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 400 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 2.2rem 1.25rem 3rem; }
h1, h2 {
  font-family: "Iowan Old Style", "Source Serif 4", Georgia, serif; font-weight: 600; line-height: 1.2; margin: 0;
}
h1 { font-size: clamp(1.7rem, 1.3rem + 2vw, 2.3rem); }
h2 { font-size: 1.15rem; margin-bottom: .7rem; }
h3 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
p { margin: 0; }
header p { color: var(--muted); margin-top: .35rem; }
header .kind { color: var(--accent); font-weight: 600; font-size: .86rem; margin: 0 0 .3rem; }
section {
  background: var(--sheet); border: 1px solid var(--line); border-radius: 14px; padding: 1.15rem 1.3rem;
  margin-top: 1.1rem;
}
dl { display: grid; grid-template-columns: minmax(7.5rem, max-content) minmax(0, 1fr); gap: .45rem 1.3rem; margin: 0; }
dt { color: var(--muted); }
dd { margin: 0; white-space: pre-line; }
ul, ol { list-style: none; margin: 0; padding: 0; }
li + li { border-top: 1px solid var(--line); margin-top: .75rem; padding-top: .75rem; }
.answer { display: flex; gap: .4rem .9rem; align-items: baseline; }
.chip {
  flex: none; border-radius: 99px; padding: .1rem .7rem; font-size: .86rem; font-weight: 600;
  background: var(--quiet-soft);
}
.given { background: var(--good-soft); color: var(--good); }
.refused { background: var(--bad-soft); color: var(--bad); }
.withdrawn { background: var(--gone-soft); color: var(--gone); }
time { font-variant-numeric: tabular-nums; }
small { display: block; color: var(--muted); font-size: .86rem; }
q { white-space: pre-wrap; quotes: "\\201C" "\\201D"; }
pre { margin: .6rem 0 0; white-space: pre-wrap; font: inherit; border-left: 3px solid var(--line); padding-left: 1rem; }
pre + small { margin-top: 1.3rem; }
code { font: 400 .86em/1.5 ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace; }
.lines li { padding-left: 1.1rem; text-indent: -1.1rem; }
.lines li + li { border: 0; margin-top: .3rem; padding-top: 0; }
.lines li::before { content: "\\2013"; display: inline-block; width: 1.1rem; text-indent: 0; }
@media (max-width: 30rem) {
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .7rem; }
  .answer { display: block; }
  .chip { display: inline-block; margin: 0 .5rem .3rem 0; }
  section { padding: 1rem; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --sheet: #fff; --line: #bbb; --ink: #000; --muted: #333; --accent: #000; --good: #000;
    --bad: #000; --gone: #000;
  }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .8rem 0; margin-top: .6rem; }
  li, dd { break-inside: avoid; }
  h2, h3, dt { break-after: avoid; }
  .chip { border: 1px solid #000; background: none; }
}
"""
