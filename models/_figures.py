"""What the figures of several published models share: letters, titles and legends in the house sizes."""

from __future__ import annotations

from collections.abc import Iterable

SMALL, TEXT = 6.0, 7.5


def letters(axes: Iterable, names: Iterable[str] = "abcdefghij") -> None:
    """Write a bold letter above the left end of each panel's axes."""
    for ax, name in zip(axes, names):
        ax.annotate(
            name,
            xy=(0, 1),
            xytext=(-13, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontweight="bold",
            fontsize=9,
        )


def title(ax, text: str) -> None:
    """Write a title above the left end of the axes."""
    ax.set_title(text, loc="left", fontsize=TEXT, pad=4)


def legend(ax, where: str, **options) -> None:
    """Put a frameless legend with small text into the axes."""
    ax.legend(
        **{
            "loc": where,
            "fontsize": SMALL,
            "handlelength": 1.6,
            "frameon": False,
            "labelspacing": 0.3,
            "borderaxespad": 0.3,
            **options,
        }
    )


def mark(ax, x: float, text: str, *, y: float = 0.03, left: bool = False) -> None:
    """Draw a dotted grey line at x, with its name beside it at the height y (fraction of the axes)."""
    ax.axvline(x, color="#8C8C8C", lw=0.7, ls=":", zorder=0)
    ax.annotate(
        text,
        xy=(x, y),
        xytext=(-2 if left else 2, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=SMALL,
        color="#595959",
    )
