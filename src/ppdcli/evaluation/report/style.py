"""The style of the page: light or dark like the reader's system, for phones and wide screens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

STOPS = 12  # colours of a gradient

_RULES = """
:root { color-scheme: light dark; --ink: #1a1c20; --faint: #545860; --paper: #ffffff;
  --raised: #f4f5f7; --line: #d9dce1; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ec; --faint: #a4a9b3; --paper: #16181c; --raised: #20242a; --line: #3a3e46; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 80rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 0.75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; }
h3 { font-size: 1.1rem; margin: 1.5rem 0 0; }
h4 { font-size: 1rem; margin: 0; }
p { margin: 0.25rem 0 0.75rem; max-width: 48rem; }
ul { margin: 0.25rem 0; padding-left: 1.25rem; }
.faint, small, figcaption { color: var(--faint); }
small, figcaption { font-size: 0.85rem; font-weight: normal; }
.wide { overflow-x: auto; margin: 0.5rem 0; }
.wide img { display: block; width: 100%; min-width: 42rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4rem 0.5rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { vertical-align: bottom; max-width: 10rem; overflow-wrap: break-word; }
thead small { display: block; font-size: 0.75rem; line-height: 1.25; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.25rem 1rem; }
dd { margin: 0; max-width: 48rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
tbody th { font-weight: normal; min-width: min(9rem, 36vw); max-width: min(22rem, 40vw);
  position: sticky; left: 0; background: var(--paper); }
tbody td:not(.number) { min-width: 4rem; max-width: 14rem; }
article { padding: 1rem; margin: 0.75rem 0; background: var(--raised); border-radius: 0.5rem; }
article p { display: flex; flex-wrap: wrap; gap: 0 1.25rem; max-width: none; }
.panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.75rem; }
.panels figure { margin: 0; }
.panels img { display: block; width: 100%; height: auto; }
.scale { grid-column: 1 / -1; font-size: 0.85rem; color: var(--faint); }
.bar { height: 0.75rem; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.ticks { position: relative; height: 1.4rem; }
.ticks span { position: absolute; white-space: nowrap; }
.swatch { display: inline-block; width: 1.5rem; height: 0.75rem; }
summary { cursor: pointer; }
footer { margin-top: 3rem; }
@media (min-width: 60rem) {
  .panels { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .depth.scale { grid-column: 2 / 4; }
  .error.scale { grid-column: 4; }
}
@media print { article, .wide { break-inside: avoid; } }
"""


def style_sheet(gradients: Mapping[str, np.ndarray], flat: Mapping[str, int]) -> str:
    """Returns all CSS rules.

    Args:
        gradients: Class of a bar -> its (N, 3) uint8 colours from left to right.
        flat: Class -> its grey level 0..255.
    """
    rules = [_RULES.strip()]
    for name, colors in gradients.items():
        picked = colors[np.linspace(0, len(colors) - 1, STOPS).round().astype(int)]
        stops = ", ".join(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in picked.tolist())
        rules.append(f".{name} .bar {{ background: linear-gradient(to right, {stops}); }}")
    rules += [f".{name} {{ background: rgb({v}, {v}, {v}); }}" for name, v in flat.items()]
    return "\n".join(rules)
