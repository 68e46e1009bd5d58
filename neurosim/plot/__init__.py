"""Figures of simulations: each function draws into Matplotlib axes and returns them, without pyplot.

Recordings come in as they are (results, spike trains, traces, arrays); a figure goes out with
``ax.figure.savefig("figure.png")`` or, in any format and with text kept as text, `save(ax, "figure.pdf")`.
"""

from __future__ import annotations

from neurosim.plot.attractors import capacity_curve, energy_trace, pattern_grid, rbm_features
from neurosim.plot.autodiff import expression_diagram
from neurosim.plot.comparison import backprop_cosines, comparison_errors, learning_curves
from neurosim.plot.comparison_measures import comparison_costs, comparison_robustness
from neurosim.plot.comparison_reports import ComparisonAxes, comparison_report
from neurosim.plot.connectivity import connectivity_matrix
from neurosim.plot.correlations import correlation_histogram, correlation_matrix
from neurosim.plot.curves import fi_curve
from neurosim.plot.decoding import decoded, decoded_error
from neurosim.plot.degrees import degree_histogram
from neurosim.plot.gates import ActionPotentialAxes, action_potential, gates
from neurosim.plot.intervals import isi_histogram
from neurosim.plot.network import network_diagram
from neurosim.plot.phase import phase_plane
from neurosim.plot.plasticity import stdp_window
from neurosim.plot.population_spectrum import population_spectrum
from neurosim.plot.population_statistics import SummaryAxes, cv_histogram, population_summary, rate_histogram
from neurosim.plot.predictive import inference_energy, layer_cosines
from neurosim.plot.raster import RasterAxes, raster
from neurosim.plot.signs import EXCITATORY, INHIBITORY, population_colors
from neurosim.plot.spectral import power_spectrum, spectrogram
from neurosim.plot.style import COLORMAP, PALETTE, figure, rc, save
from neurosim.plot.trajectories import phase_portrait, trajectory_3d
from neurosim.plot.tuning import encoders, rate_maps, tuning_curves
from neurosim.plot.voltage import voltage
from neurosim.plot.weight_evolution import weight_evolution
from neurosim.plot.weights import delay_histogram, weight_histogram

__all__ = [
    "COLORMAP",
    "EXCITATORY",
    "INHIBITORY",
    "PALETTE",
    "ActionPotentialAxes",
    "ComparisonAxes",
    "RasterAxes",
    "SummaryAxes",
    "action_potential",
    "backprop_cosines",
    "capacity_curve",
    "comparison_costs",
    "comparison_errors",
    "comparison_report",
    "comparison_robustness",
    "connectivity_matrix",
    "correlation_histogram",
    "correlation_matrix",
    "cv_histogram",
    "decoded",
    "decoded_error",
    "degree_histogram",
    "delay_histogram",
    "encoders",
    "energy_trace",
    "expression_diagram",
    "fi_curve",
    "figure",
    "gates",
    "inference_energy",
    "isi_histogram",
    "layer_cosines",
    "learning_curves",
    "network_diagram",
    "pattern_grid",
    "phase_plane",
    "phase_portrait",
    "population_colors",
    "population_spectrum",
    "population_summary",
    "power_spectrum",
    "raster",
    "rate_histogram",
    "rate_maps",
    "rbm_features",
    "rc",
    "save",
    "spectrogram",
    "stdp_window",
    "trajectory_3d",
    "tuning_curves",
    "voltage",
    "weight_evolution",
    "weight_histogram",
]
