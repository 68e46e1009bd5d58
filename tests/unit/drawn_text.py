"""What holds for the text of every figure: none leaves the page, none lies on other text."""

from __future__ import annotations

from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def drawn_text(fig: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Bbox]]:
    """Return each text that is drawn with its box in pixels."""
    # the first drawing lays the figure out; in the second, what is drawn is noted: unused ticks hold texts
    fig.canvas.draw()
    drawn: list[Text] = []
    draw = Text.draw
    monkeypatch.setattr(Text, "draw", lambda self, renderer: (drawn.append(self), draw(self, renderer)))
    fig.canvas.draw()
    return [(text.get_text(), text.get_window_extent()) for text in drawn if text.get_text().strip()]


def check_text(fig: Figure, monkeypatch: pytest.MonkeyPatch, at_least: int = 1) -> None:
    """Fail if a text leaves the page or lies on another one."""
    boxes = drawn_text(fig, monkeypatch)
    assert len(boxes) >= at_least
    for words, box in boxes:
        # one pixel for antialiasing
        assert box.x0 >= -1 and box.y0 >= -1, words
        assert box.x1 <= fig.bbox.x1 + 1 and box.y1 <= fig.bbox.y1 + 1, words
    for (words, box), (other, second) in combinations(boxes, 2):
        width = min(box.x1, second.x1) - max(box.x0, second.x0)
        height = min(box.y1, second.y1) - max(box.y0, second.y0)
        # Line boxes hold room for descenders: letters touch only from a fifth of a line (4 px) on.  Labels in space are
        # turned, their boxes are not: only boxes of upright text say that letters touch.
        assert not (width > 1 and height > 4) or "3d" in fig.axes[0].name, (words, other)
