"""Pieces of a page of HTML: every text that goes into it is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
body { margin: 2.5rem auto; max-width: 62rem; padding: 0 1.5rem; color: #1d1d1f; background: #fff;
       font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .8rem; border-top: 1px solid #ddd; }
p.lead { color: #555; margin: 0 0 1.2rem; }
ul { padding-left: 1.2rem; }
li { margin: .35rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e8e8e8; }
thead th { border-bottom: 1.5px solid #888; vertical-align: bottom; }
tbody th { white-space: nowrap; }
td.n, th.n { text-align: right; padding-left: .3rem; padding-right: .45rem; }
td.n { white-space: nowrap; }
td.heat { padding: .3rem .45rem; border: 1px solid #fff; }
p.note, figcaption { color: #555; font-size: .86rem; max-width: 52rem; }
figure { margin: 1.2rem 0; }
img { max-width: 100%; height: auto; }
code, pre { font: .85em/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: #f6f6f4; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { font-size: .86rem; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin-left: 0; overflow-wrap: anywhere; }
@media print {
  body { margin: 0; max-width: none; font-size: 11px; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .wide { overflow: visible; }
  td.heat { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


class Heat(str):
    """A text in a cell whose colour shows `share`, from 0 (white) to 1 (blue)."""

    share: float

    def __new__(cls, text: str, share: float) -> Heat:
        own = super().__new__(cls, text)
        own.share = min(max(share, 0.0), 1.0)
        return own


def text_of(text: str) -> str:
    """Return a text as it stands in HTML."""
    return escape(text)


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of a class, such as "note"."""
    return f'<p class="{escape(kind)}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """Return a list of points; a number and its percent sign stay on one line."""
    return "<ul>" + "".join(f"<li>{escape(text).replace(' %', '&nbsp;%')}</li>" for text in texts) + "</ul>"


def section(title: str, *parts: str) -> str:
    """Return a heading and what follows it; nothing where nothing follows."""
    return f"<h2>{escape(title)}</h2>\n" + "\n".join(parts) if any(parts) else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Return a table whose first column names the rows; columns that are empty throughout are left out.

    numbers: places of the columns that stand to the right.
    """
    right = set(numbers)
    used = [k for k in range(len(head)) if k == 0 or any(row[k] for row in rows)]
    if len(used) < 2:
        return ""
    top = "".join(f'<th scope="col"{" class=n" if k in right else ""}>{escape(head[k])}</th>' for k in used)
    body = "".join("<tr>" + "".join(_cell(row[k], k, k in right) for k in used) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody></table></div>'


def _cell(text: str, k: int, right: bool) -> str:
    if k == 0:
        return f'<th scope="row">{escape(text)}</th>'
    if isinstance(text, Heat):
        # light enough for black text throughout
        color = ",".join(str(round(255 - (255 - c)*0.85*text.share)) for c in (150, 190, 235))
        return f'<td class="n heat" style="background:rgb({color})">{escape(text)}</td>'
    return f'<td class="n">{escape(text)}</td>' if right else f"<td>{escape(text)}</td>"


def picture(png: bytes, caption: str) -> str:
    """Return a figure with the picture in it, so that no other file is needed."""
    return (f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>")


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms, each with what it is."""
    return "<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in pairs) + "</dl>"


def whole(title: str, body: Iterable[str]) -> str:
    """Return the page."""
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n<body>\n'
            + "\n".join(part for part in body if part) + "\n</body></html>\n")
