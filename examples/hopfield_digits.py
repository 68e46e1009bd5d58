"""A Hopfield network completes digits: ten memories, of which a fifth of the pixels is turned over, and how the energy falls.

Handwritten digits are alike, which Hebb's rule takes badly: the pseudo-inverse rule keeps them apart (neurosim.attractors).
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import attractors, published

images, labels = published.load("diehl_cook_2015").digits()             # (1797, 64) from 0 to 1
first = [int(np.flatnonzero(labels == digit)[2]) for digit in range(10)]
digits = np.where(images[first] > 0.5, 1.0, -1.0)

rng = np.random.default_rng(1)
corrupted = np.where(rng.random(digits.shape) < 0.2, -digits, digits)
hebbian = attractors.Hopfield.storing(digits).recall(corrupted, seed=1)
memory = attractors.Hopfield.storing(digits, attractors.pseudo_inverse)
recalled = memory.recall(corrupted, seed=1, every_update=True)

fig, axes = ns.plot.figure(1, 2, width=7.2, height=1.9, width_ratios=[2.6, 1])
ns.plot.pattern_grid({"Stored": digits, "20 % turned": corrupted, "Hebb": hebbian.states,
                      "Pseudo-inverse": recalled.states}, ax=axes[0, 0])
updates = np.arange(len(recalled.energy))/memory.size
ns.plot.energy_trace(recalled, updates, ax=axes[0, 1])
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "hopfield_digits.png")
