"""The pages that sweeps write: one HTML file each, which needs nothing else. Imports no PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

from specgraph.escaping import for_html

STYLE = """
:root { color-scheme: light dark; --line: #8884; --muted: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.sub { color: var(--muted); margin-top: .2rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.2rem 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; }
.tile b { display: block; font-size: 1.3rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: .85rem; }
img { max-width: 100%; background: white; border-radius: .3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; } tr.best { font-weight: 600; }
pre { background: #8881; padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
.diagram { overflow-x: auto; background: white; border-radius: .3rem; padding: .5rem; }
.diagram svg { max-width: 100%; height: auto; }
.scroll { max-height: 26rem; overflow: auto; }
@media (max-width: 40rem) { td, th { padding: .2rem .35rem; font-size: .8rem; } }
.remarks { border-left: .3rem solid #c44e52; margin: 1rem 0; padding: .1rem 1rem; }
"""


def html_page(title: str, parts: Iterable[str], style: str = "") -> str:
    """A page of parts that are HTML; `title` is text, `style` what is added to the common style."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{for_html(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{style}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def html_section(title: str, body: str) -> str:
    """A part with a heading; both are HTML."""
    return f"<h2>{title}</h2>{body}"
