"""Error of a decoded value against the number of neurons: the part from noise, and what remains without it (distortion).

With decoders d for noise of standard deviation sigma on each rate a_i, here a tenth of the highest rate, the mean squared error
is <(x - sum a_i d_i)^2> + sigma^2 sum d_i^2. The second part falls as 1/N, the first one faster, almost as 1/N^2.
"""

import sys

import numpy as np

import neurosim as ns
from neurosim import nef

sizes, repeats, x = [25, 50, 100, 200, 400, 800], 8, np.linspace(-1, 1, 401)[:, None]
errors = {"noise": np.empty((len(sizes), repeats)), "distortion": np.empty((len(sizes), repeats))}
for i, n in enumerate(sizes):
    for seed in range(repeats):
        ensemble = nef.Ensemble(n, intercepts=ns.Uniform(-1, 0.99), eval_points=x)
        value = nef.Probe(ensemble, solver=nef.L2(reg=0.1))
        built = nef.build(nef.Network([ensemble], probes=[value]), seed=seed)
        rates, decoders = built[ensemble].rates(x), built.decoders(value)
        sigma = 0.1*rates.max()
        errors["noise"][i, seed] = sigma*np.sqrt(np.sum(decoders**2))
        errors["distortion"][i, seed] = np.sqrt(np.mean((x - rates @ decoders)**2))

ax = ns.plot.decoded_error(sizes, errors)
ns.plot.save(ax, sys.argv[1] if len(sys.argv) > 1 else "nef_decoding_error.png")
