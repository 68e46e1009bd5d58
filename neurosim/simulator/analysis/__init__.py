"""Measures of spike trains and traces, as functions of plain arrays or of what a run recorded.

Times in ms, rates and frequencies in Hz.  Wherever a function takes trains it takes a SpikeTrains, one array
of spike times, or a list of arrays, one a neuron; one train gives one number, several give an array.  Windows
are half-open, [start, stop); see `inputs` for the two details.
"""

from __future__ import annotations

from neurosim.simulator.analysis.compare import (
    coincidence_factor,
    ks_distance,
    van_rossum_distance,
    victor_purpura_distance,
)
from neurosim.simulator.analysis.correlation import autocorrelation, cross_correlation
from neurosim.simulator.analysis.counts import (
    binned_counts,
    correlation_matrix,
    fano_factor,
    fano_of_counts,
    spike_counts,
)
from neurosim.simulator.analysis.detection import spike_detect
from neurosim.simulator.analysis.excitability import fi_curve, rheobase, tuning_curve
from neurosim.simulator.analysis.intervals import cv, cv2, isi, lv, rate_from_isi
from neurosim.simulator.analysis.phase import fixed_point, phase_plane
from neurosim.simulator.analysis.rates import binned_rate, kernel_rate, mean_rate
from neurosim.simulator.analysis.spectra import (
    population_spectrum,
    power_spectrum,
    spectrogram,
    spike_spectrum,
)
from neurosim.simulator.analysis.synchrony import (
    pairwise_correlations,
    population_fano,
    synchrony,
    synchrony_of_values,
)

__all__ = [
    "autocorrelation",
    "binned_counts",
    "binned_rate",
    "coincidence_factor",
    "correlation_matrix",
    "cross_correlation",
    "cv",
    "cv2",
    "fano_factor",
    "fano_of_counts",
    "fi_curve",
    "fixed_point",
    "isi",
    "kernel_rate",
    "ks_distance",
    "lv",
    "mean_rate",
    "pairwise_correlations",
    "phase_plane",
    "population_fano",
    "population_spectrum",
    "power_spectrum",
    "rate_from_isi",
    "rheobase",
    "spectrogram",
    "spike_counts",
    "spike_detect",
    "spike_spectrum",
    "synchrony",
    "synchrony_of_values",
    "tuning_curve",
    "van_rossum_distance",
    "victor_purpura_distance",
]
