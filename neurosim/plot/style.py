"""The look of every figure: palette, sizes, axes, labels with units, and saving.

Figures are `matplotlib.figure.Figure` objects with an Agg canvas; `matplotlib.pyplot` is never imported, so
that
plotting keeps no global state, needs no display, and closes nothing: a figure lives as long as its axes are
held.

Palette: M. Okabe, K. Ito (2008), Color Universal Design, as given in B. Wong (2011), Points of view: Color
blindness, Nature Methods 8, 441, doi:10.1038/nmeth.1618. Maps of values use cividis: J. R. Nuñez, C. R.
Anderton, R. S. Renslow (2018), PLoS ONE 13, e0199239, doi:10.1371/journal.pone.0199239.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from neurosim.errors import ParameterError

#: Okabe-Ito colours; yellow last but one, since thin yellow lines vanish on white.
PALETTE: tuple[str, ...] = (
    "#0072B2",  # blue
    "#D55E00",  # vermillion
    "#009E73",  # bluish green
    "#CC79A7",  # reddish purple
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#F0E442",  # yellow
    "#000000",  # black
)
GREY = "#8C8C8C"
INK = "#262626"
#: Colours of lines, in order: the palette without yellow, which is too faint for a line, and grey.
LINE_COLORS: tuple[str, ...] = (*(c for c in PALETTE if c != "#F0E442"), GREY)
COLORMAP = "cividis"

#: Widths of a figure, inches: one column (89 mm), one and a half (127 mm), two columns (183 mm).
ONE_COLUMN, MID_COLUMN, TWO_COLUMNS = 3.5, 5.0, 7.2
#: Width of a data line, of a fine line and of a spine, points.
LINE, FINE, HAIR = 1.1, 0.7, 0.6

_RC: dict[str, Any] = {
    # DejaVu Sans comes with Matplotlib: the same layout on every machine, and it has every sign used here.
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 7.5,
    "axes.labelsize": 7.5,
    "axes.titlesize": 7.5,
    "axes.titleweight": "normal",
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "figure.titlesize": 8.5,
    "figure.dpi": 200,
    "figure.facecolor": "white",
    "savefig.dpi": "figure",
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": HAIR,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.width": HAIR,
    "ytick.major.width": HAIR,
    "xtick.minor.width": HAIR,
    "ytick.minor.width": HAIR,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=LINE_COLORS),
    "lines.linewidth": LINE,
    "lines.markersize": 3.5,
    "image.cmap": COLORMAP,
    # Text stays text in vector files, so that a journal or a reader can search and edit it.
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
}


def rc() -> dict[str, Any]:
    """Return the settings as a new dict for `matplotlib.rc_context` or `matplotlib.rcParams.update`."""
    return dict(_RC)


def figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = ONE_COLUMN,
    height: float = 2.4,
    **options: Any,
) -> tuple[Figure, np.ndarray]:
    """Return a new figure in the house style, and its axes, without pyplot.

    Arguments
        rows, columns: numbers of panels
        width, height: size of the whole figure, inches
        options: passed on to `Figure.subplots` (``sharex=True``, ``height_ratios=[3, 1]``, ``squeeze=False``
            ...)

    Returns the figure and an object array (rows, columns) of axes.
    """
    with matplotlib.rc_context(_RC):
        fig = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(fig)
        axes = fig.subplots(rows, columns, **{"squeeze": False, **options})
        for ax in np.ravel(np.asarray(axes, dtype=object)):
            _fix_ticks(ax)
    return fig, axes


def _fix_ticks(ax: Axes) -> None:
    # Matplotlib makes ticks when it draws, by which time the rc context is gone: state their look outright.
    for axis in "xy":
        for which in ("major", "minor"):
            ax.tick_params(
                axis=axis,
                which=which,
                direction="out",
                length=_RC[f"{axis}tick.{which}.size"],
                width=HAIR,
                color=INK,
                labelcolor=INK,
                labelsize=_RC[f"{axis}tick.labelsize"],
            )


def open_axes(ax: Axes | None, width: float = ONE_COLUMN, height: float = 2.4) -> Axes:
    """Return `ax`, or the axes of a new figure of `width` times `height` inches if it is None."""
    if ax is None:
        return figure(width=width, height=height)[1][0, 0]
    if not isinstance(ax, Axes):
        raise ParameterError(
            f"ax is {type(ax).__name__}, not a Matplotlib Axes. Pass one Axes (of a figure or an array, one "
            "of its axes), or leave ax out for a new figure."
        )
    return ax


def checked_color(color: Any) -> Any:
    """Return `color`, or raise ParameterError if Matplotlib knows no such colour."""
    if not is_color_like(color):
        raise ParameterError(
            f"color={color!r} is no colour. Use a name such as 'black', a hex code such as '#0072B2', "
            "or a tuple (r, g, b) of numbers from 0 to 1."
        )
    return color


def line_color(ax: Axes, color: Any) -> Any:
    """Return `color`, or the next of the axes' own colour cycle if it is None."""
    if color is not None:
        return checked_color(color)
    (probe,) = ax.plot([], [])
    color = probe.get_color()
    probe.remove()
    return color


def palette(n: int) -> list[tuple[str, str]]:
    """Return `n` pairs (colour, line style), all different up to 32: after 8 the line style changes."""
    n_colors, styles = len(LINE_COLORS), ("-", "--", ":", "-.")
    return [(LINE_COLORS[k % n_colors], styles[k // n_colors % len(styles)]) for k in range(n)]


def text_size(ax: Axes) -> float:
    """Return the size of secondary text (legends, notes), points, in keeping with the axes' labels."""
    return 0.87 * ax.xaxis.label.get_size()


def legend_above(ax: Axes, handles: Sequence[Any] | None = None, columns: int = 4) -> Legend | None:
    """Put a legend above the axes, where it hides no data; None where nothing is labelled."""
    if handles is None:
        handles, _ = ax.get_legend_handles_labels()
    if not handles:
        return None
    return ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(columns, len(handles)),
        fontsize=text_size(ax),
        frameon=False,
        borderaxespad=0.2,
        borderpad=0.2,
        handlelength=1.6,
        handletextpad=0.5,
        columnspacing=1.2,
        labelspacing=0.3,
    )


def note_above(ax: Axes, text: str) -> Text:
    """Write a short grey note above the right end of the axes, where it hides no data."""
    return ax.annotate(
        text,
        xy=(1.0, 1.0),
        xytext=(0.0, 2.0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=text_size(ax),
        color="#595959",
    )


def colorbar(ax: Axes, mappable: Any, label: str) -> Any:
    """Attach a thin colour bar with `label` to the right of `ax`."""
    bar = ax.figure.colorbar(mappable, ax=ax, pad=0.02, fraction=0.05, aspect=25)
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=ax.yaxis.label.get_size(), color=INK)
    bar.ax.tick_params(which="both", length=2.0, width=HAIR, labelsize=text_size(ax), color=INK, labelcolor=INK)
    return bar


_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def pretty_unit(unit: str) -> str:
    """Return a unit as printed: ``uA/cm2`` -> ``µA/cm²``, ``MOhm`` -> ``MΩ``, ``mV**2/Hz`` -> ``mV²/Hz``."""
    text = re.sub(r"\s*(\*\*|[*/^])\s*", r"\1", unit.strip()).replace("Ohm", "Ω").replace("ohm", "Ω")
    text = re.sub(r"\bu(?=[A-Za-zΩ])", "µ", text)
    return re.sub(
        r"(?<=[A-Za-zΩ])(?:\*\*|\^)?(-?\d+)", lambda found: found.group(1).translate(_SUPERSCRIPT), text
    ).replace("*", "·")


def with_unit(name: str, unit: str | None) -> str:
    """Return an axis label: ``Current (µA/cm²)``, or the name alone where the quantity has no unit."""
    shown = pretty_unit(unit) if unit else ""
    return f"{name} ({shown})" if shown not in ("", "1") else name


def save(target: Any, path: str | PathLike[str], **options: Any) -> None:
    """Write a figure to a file whose ending gives the format (png, pdf, svg ...), with text kept as text.

    Arguments
        target: an Axes, a Figure, or whatever a function of `neurosim.plot` returned
        path: the file to write
        options: passed on to `Figure.savefig` (``dpi=300`` ...)

    Raises ParameterError if `target` holds no figure.
    """
    fig = _figure_of(target)
    if fig is None:
        raise ParameterError(
            f"save needs an Axes or a Figure, not {type(target).__name__}. "
            "Pass what a function of neurosim.plot returned."
        )
    with matplotlib.rc_context(_RC):
        fig.savefig(path, **options)


def _figure_of(target: Any) -> Figure | None:
    if isinstance(target, Figure):
        return target
    if isinstance(target, Axes):
        # The axes of a subfigure hold that subfigure, whose own figure is the one that can be saved.
        return target.figure if isinstance(target.figure, Figure) else target.figure.figure
    if isinstance(target, Mapping):
        target = list(target.values())
    if isinstance(target, Sequence | np.ndarray) and not isinstance(target, str):
        return next((fig for fig in map(_figure_of, list(target)) if fig is not None), None)
    return None
