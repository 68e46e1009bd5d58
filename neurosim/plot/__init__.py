"""Figures of simulations: each function draws into Matplotlib axes and returns them, without pyplot.

Recordings come in as they are (results, spike trains, traces, arrays); a figure goes out with
``ax.figure.savefig("figure.png")`` or, in any format and with text kept as text, `save(ax, "figure.pdf")`.
"""

from __future__ import annotations

from neurosim.plot.curves import fi_curve, tuning_curves
from neurosim.plot.gates import ActionPotentialAxes, action_potential, gates
from neurosim.plot.intervals import isi_histogram
from neurosim.plot.phase import phase_plane
from neurosim.plot.raster import RasterAxes, raster
from neurosim.plot.spectral import power_spectrum, spectrogram
from neurosim.plot.style import COLORMAP, PALETTE, figure, rc, save
from neurosim.plot.voltage import voltage

__all__ = [
    "COLORMAP",
    "PALETTE",
    "ActionPotentialAxes",
    "RasterAxes",
    "action_potential",
    "fi_curve",
    "figure",
    "gates",
    "isi_histogram",
    "phase_plane",
    "power_spectrum",
    "raster",
    "rc",
    "save",
    "spectrogram",
    "tuning_curves",
    "voltage",
]
