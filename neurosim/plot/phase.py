"""Phase plane of a model with two variables: nullclines, direction field, fixed points, trajectories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from neurosim.errors import ParameterError
from neurosim.plot import style
from neurosim.plot.inputs import array_1d

#: Arrows of the direction field along each axis.
ARROWS = 19


def phase_plane(
    plane: Any,
    trajectories: Iterable[Any] = (),
    ax: Axes | None = None,
    *,
    label: str | None = None,
    color: Any = None,
) -> Axes:
    """Draw the phase plane of dx/dt = f(x, y), dy/dt = g(x, y).

    The nullclines are the lines f = 0 and g = 0; they cross at the fixed points, which are filled if stable
    and open if not (saddles are open diamonds). Arrows give the direction only, not the speed, which often
    spans decades.

    Arguments
        plane: `x` (n_x,) and `y` (n_y,), rising; `dx` and `dy`, shape (n_y, n_x), the derivatives on that
            grid; `x_name`, `y_name`, `x_unit`, `y_unit`; `fixed_points`, each with `x`, `y`, `kind` (such as
            "stable focus" or "saddle") and `stable`
        trajectories: pairs (x, y) of arrays of equal length, from a start (dot) onwards
        ax: the axes to draw in; None for a new figure
        label: name of the trajectories in the legend
        color: colour of the trajectories; None for black and the palette

    Returns the axes. Raises ParameterError if the shapes do not fit together.
    """
    missing = [name for name in ("x", "y", "dx", "dy") if not hasattr(plane, name)]
    if missing:
        raise ParameterError(
            f"plane is {type(plane).__name__}, without {', '.join(missing)}. Pass an object with the grids x "
            "and y and the derivatives dx and dy on them."
        )
    x, y = array_1d(plane.x, "plane.x"), array_1d(plane.y, "plane.y")
    dx, dy = (_field(getattr(plane, name), f"plane.{name}", x.size, y.size) for name in ("dx", "dy"))
    if min(x.size, y.size) < 2 or np.any(np.diff(x) <= 0) or np.any(np.diff(y) <= 0):
        raise ParameterError("plane.x and plane.y must be grids of at least two rising values.")
    paths = _paths(trajectories)
    x_name, y_name = str(getattr(plane, "x_name", "x")), str(getattr(plane, "y_name", "y"))
    ax = style.open_axes(ax, style.ONE_COLUMN, 3.1)
    handles: list[Any] = []

    _directions(ax, x, y, dx, dy)
    for values, name, shade in ((dx, x_name, style.PALETTE[0]), (dy, y_name, style.PALETTE[1])):
        known = values[np.isfinite(values)]
        # Without a change of sign there is no nullcline in view, and a contour would only warn.
        if known.size and known.min() <= 0 <= known.max() and known.min() < known.max():
            ax.contour(
                x, y, np.ma.masked_invalid(values), levels=[0.0], colors=[shade], linewidths=1.4, zorder=2
            )
            handles.append(Line2D([], [], color=shade, lw=1.4, label=f"d{_symbol(name)}/dt = 0"))
    for k, path in enumerate(paths):
        shade = color if color is not None else style.INK if len(paths) == 1 else _PATHS[k % len(_PATHS)]
        _trajectory(ax, *path, shade)
        if label and k == 0:
            handles.append(Line2D([], [], color=shade, lw=style.FINE, label=label))
    handles += _fixed_points(ax, getattr(plane, "fixed_points", ()))

    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.set_xlabel(style.with_unit(x_name, getattr(plane, "x_unit", None)))
    ax.set_ylabel(style.with_unit(y_name, getattr(plane, "y_unit", None)))
    style.legend_above(ax, handles, columns=3)
    return ax


# Blue and vermillion are the nullclines', so trajectories take the other colours.
_PATHS = (style.INK, style.PALETTE[2], style.PALETTE[3], style.PALETTE[4], style.PALETTE[5])


def _symbol(name: str) -> str:
    return name.split(",")[0].split("(")[0].strip()


def _field(values: Any, name: str, n_x: int, n_y: int) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (n_y, n_x):
        hint = " Transpose it." if array.shape == (n_x, n_y) else ""
        raise ParameterError(
            f"{name} has shape {array.shape}; (len(y), len(x)) = ({n_y}, {n_x}) is needed.{hint}"
        )
    return array


def _paths(trajectories: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    items = list(trajectories)
    # One pair (x, y) passed bare is one trajectory: its members are arrays of numbers, not pairs of arrays.
    if len(items) == 2 and all(isinstance(item, np.ndarray) and item.ndim == 1 for item in items):
        items = [tuple(items)]
    paths = []
    for k, item in enumerate(items):
        if not hasattr(item, "__len__") or len(item) != 2:
            raise ParameterError(f"trajectory {k} is no pair of arrays (x, y). Pass [(x, y), ...].")
        x, y = array_1d(item[0], f"x of trajectory {k}"), array_1d(item[1], f"y of trajectory {k}")
        if x.size != y.size:
            raise ParameterError(f"trajectory {k} has {x.size} x and {y.size} y; they must be equally many.")
        paths.append((x, y))
    return paths


def _directions(ax: Axes, x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> None:
    # Cells are centred, so that no arrow sits on the frame.
    columns = np.unique(((np.arange(ARROWS) + 0.5) * x.size / ARROWS).astype(int))
    rows = np.unique(((np.arange(ARROWS) + 0.5) * y.size / ARROWS).astype(int))
    cell = np.ix_(rows, columns)
    # In units of the axes' lengths: only then does the arrow point where the state moves on the page.
    box = ax.get_position()
    size = ax.figure.get_size_inches() * (box.width, box.height)
    u = dx[cell] / (x[-1] - x[0]) * size[0]
    v = dy[cell] / (y[-1] - y[0]) * size[1]
    speed = np.hypot(u, v)
    moving = np.isfinite(speed) & (speed > 0)
    if not moving.any():
        return
    grid_x, grid_y = np.meshgrid(x[columns], y[rows])
    ax.quiver(
        grid_x[moving],
        grid_y[moving],
        u[moving] / speed[moving],
        v[moving] / speed[moving],
        pivot="mid",
        color="#B8B8B8",
        units="inches",
        scale_units="inches",
        scale=1.4 * ARROWS / float(min(size)),
        width=0.006,
        headwidth=4.5,
        headlength=5.0,
        headaxislength=4.5,
        zorder=1,
    )


def _trajectory(ax: Axes, x: np.ndarray, y: np.ndarray, color: Any) -> None:
    if x.size == 0:
        return
    ax.plot(x, y, color=color, lw=style.FINE + 0.2, zorder=3)
    ax.plot(x[:1], y[:1], ls="", marker="o", ms=2.6, color=color, zorder=3)


def _fixed_points(ax: Axes, points: Iterable[Any]) -> list[Any]:
    """Draw the fixed points and return one legend entry for each kind of them."""
    entries: dict[str, Any] = {}
    for point in points:
        stable, kind = bool(point.stable), str(point.kind)
        look = {
            "ls": "",
            "marker": "D" if "saddle" in kind.lower() else "o",
            "ms": 4.6 if "saddle" in kind.lower() else 5.2,
            "mec": "black",
            "mfc": "black" if stable else "white",
            "mew": 1.0,
        }
        ax.plot([point.x], [point.y], zorder=5, clip_on=True, **look)
        entries.setdefault(kind, Line2D([], [], label=kind, **look))
    return list(entries.values())
