"""A Boltzmann machine learns handwritten digits: what its hidden units look for, digits it makes up, and halves it fills in.

Trained by persistent contrastive divergence, on 8 x 8 digits made binary (neurosim.attractors).
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import attractors, published

images, _ = published.load("diehl_cook_2015").digits()                  # (1797, 64) from 0 to 1
digits = (images > 0.5).astype(float)
train, test = digits[:-12], digits[-12:]
trainer = attractors.Trainer(attractors.initial_machine(64, 100), persistent=True, chains=50, seed=1)
rng = np.random.default_rng(1)
for epoch in range(60):
    trainer.rate = 0.1*(1 - epoch/60)
    for batch in np.array_split(rng.permutation(len(train)), 90):
        trainer.learn(train[batch])
rbm = trainer.machine

known = np.arange(64) < 32                                              # the upper half
filled = rbm.fill_in(test, known, seed=1)
fig, axes = ns.plot.figure(1, 2, width=7.2, height=1.8, width_ratios=[1, 1.9])
ns.plot.rbm_features(rbm.weights[:, :60], columns=10, ax=axes[0, 0])
ns.plot.pattern_grid({"Made up": rbm.generate(12, 2000, seed=2), "Digit": test, "Upper half": np.where(known, test, 0),
                      "Filled in": filled}, limits=(0, 1), ax=axes[0, 1])
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "rbm_digits.png")
