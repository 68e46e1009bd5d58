"""One network of predictive coding generates digits from labels, fills in half an image, and learns unlike backprop.

Labels predict causes and causes predict pixels; every answer is the same settling, with other layers held.  What would be
learnt before anything settles is backprop's; states that settle leave less to weights, and other errors.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import plot, predictive, published

images, labels = published.load("diehl_cook_2015").digits()             # (1797, 64) from 0 to 1
test = np.random.default_rng(0).random(len(labels)) < 0.2
net = predictive.PredictiveNetwork((64, 64, 10), direction="generative", seed=1)
predictive.train(net, images[~test], labels[~test], epochs=30)

unseen = [int(np.flatnonzero(test & (labels == digit))[0]) for digit in range(10)]
data, upper = images[unseen], np.arange(64) < 32
grid = {"From the label": predictive.generate(net, range(10)),
        "Not seen before": data,
        "Upper half": np.where(upper, data, np.nan),
        "Filled in": predictive.infill(net, data, upper),
        "With the label": predictive.infill(net, data, upper, labels[unseen])}

fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.1, width_ratios=[2.4, 1, 1])
ns.plot.pattern_grid({name: np.clip(np.nan_to_num(part, nan=0.5), 0, 1) for name, part in grid.items()}, ax=axes[0, 0],
                     limits=(0, 1))
right = np.mean(predictive.infer(net, images[test]).argmax(axis=1) == labels[test])
axes[0, 0].set_xlabel(f"{100*right:.0f} % of {test.sum()} unseen digits are recognised")
plot.inference_energy(predictive.settle(net, images[:200], labels[:200], iterations=30, record=True), ax=axes[0, 1])
iterations = np.array([1, 3, 10, 20, 40, 70, 100])
cosines = [predictive.cosines(net, images[:200], labels[:200], iterations=n, step=0.01, backtracking=False)
           for n in iterations]
plot.layer_cosines(cosines, 0.01*iterations, ax=axes[0, 2], names=["causes to pixels", "label to causes"],
              xlabel="Time of inference (tau)")
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "predictive_coding_infill.png")
