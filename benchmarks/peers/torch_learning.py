"""Learning in PyTorch: a perceptron as its users write it, and predictive coding with its equations written out.

Modes: Adam `fused` (one pass over each array, as its documentation advises for speed) or by `default`; `equations`:
predictive coding, without autograd, into arrays that are made once.  compile_s is the whole work once before the runs.
"""

import os
import sys
from pathlib import Path

# instead of this folder, whose files have the names of the packages
sys.path[0] = str(Path(__file__).resolve().parents[1])

from serve import Stopwatch, arguments, resident_mb, serve  # noqa: E402

given = arguments(("fused", "default", "equations"))
# before NumPy is loaded
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(given.threads)
watch = Stopwatch()
import torch  # noqa: E402
from learning import (  # noqa: E402
    PC_ITERATIONS,
    PC_MOMENTUM,
    PC_RATE,
    PC_STEP,
    RATE,
    digest,
    measured,
    orders,
    products_s,
    samples,
    weights,
)

work, precision = given.work, given.precision
kind = getattr(torch, precision)
torch.set_num_threads(given.threads)
#: factors of the step of a sample after one that was made, and after one that was taken back
LONGER, SHORTER, LONGEST = 1.1, 0.5, 1e6


def perceptron():
    """Return what trains anew by backprop."""
    x, t = map(torch.from_numpy, samples(work, precision))
    first, order = weights(work, precision), [torch.from_numpy(o) for o in orders(work)]

    def fresh():
        layers = []
        for w in first:
            linear = torch.nn.Linear(*w.shape, dtype=kind)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(w.T))
                linear.bias.zero_()
            layers += [linear, torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        adam = torch.optim.Adam(model.parameters(), lr=RATE, fused=given.mode == "fused" or None)
        criterion = torch.nn.CrossEntropyLoss()

        def train():
            losses = []
            for each in order:
                total = 0.0
                for k in range(0, work.n, work.batch):
                    chosen = each[k:k + work.batch]
                    adam.zero_grad()
                    loss = criterion(model(x[chosen]), t[chosen])
                    loss.backward()
                    adam.step()
                    total += loss.item() * len(chosen)
                losses.append(total / work.n)
            return lambda: losses + digest(p.detach().numpy().T for p in model.parameters() if p.ndim == 2)

        return train

    return fresh


def predictive_coding():
    """Return what trains anew by predictive coding; layer 0 is the answer, the last one the data, errors have variance 1."""
    x, t = samples(work, precision)
    data, label = torch.from_numpy(x), torch.eye(work.sizes[-1], dtype=kind)[torch.from_numpy(t)]
    first, order = weights(work, precision)[::-1], [torch.from_numpy(o) for o in orders(work)]
    layers = work.sizes[::-1]
    top = len(layers) - 1

    def fresh():
        m = [torch.from_numpy(w.copy()) for w in first]
        bias = [torch.zeros(n, dtype=kind) for n in layers[:-1]]
        speed = [torch.zeros_like(a) for a in (*m, *bias)]

        def errors(state, active, still):
            e = [state[0] - torch.addmm(bias[0], active[1], m[0])] if top > 1 else [state[0] - still]
            for i in range(1, top):
                e.append(state[i] - (still if i == top - 1 else torch.addmm(bias[i], active[i + 1], m[i])))
            return e

        def energy(e):
            return 0.5 * sum(torch.linalg.vecdot(a, a) for a in e)

        def changes(u, target):
            """Settle with both ends held, and return what weights and biases learn, and F before and after."""
            # what the data predict stands still
            still = torch.addmm(bias[top - 1], u, m[top - 1])
            state, active = [None] * top + [u], [None] * top + [u]
            for i in range(top - 1, 0, -1):
                state[i] = still if i == top - 1 else torch.addmm(bias[i], active[i + 1], m[i])
                active[i] = torch.tanh(state[i])
            state[0] = target
            e = errors(state, active, still)
            f = energy(e)
            before = f.mean()
            step = torch.full((len(u), 1), PC_STEP, dtype=kind) if work.careful else PC_STEP
            for _ in range(PC_ITERATIONS):
                moved, fired = list(state), list(active)
                for i in range(1, top):
                    push = torch.mm(e[i - 1], m[i - 1].T)
                    push.mul_(1 - active[i] * active[i]).sub_(e[i])
                    moved[i] = torch.addcmul(state[i], push, step) if work.careful else torch.add(state[i], push, alpha=step)
                    fired[i] = torch.tanh(moved[i])
                new = errors(moved, fired, still)
                if work.careful:
                    risen = energy(new)
                    good = risen <= f
                    step = torch.where(good[:, None], (step * LONGER).clamp_(max=LONGEST), step * SHORTER)
                    if not good.all():
                        keep = good[:, None]
                        for i in range(1, top):
                            moved[i] = torch.where(keep, moved[i], state[i])
                            fired[i] = torch.where(keep, fired[i], active[i])
                        new = [torch.where(keep, a, b) for a, b in zip(new, e)]
                        risen = torch.where(good, risen, f)
                    f = risen
                state, active, e = moved, fired, new
            if not work.careful:
                f = energy(e)
            share = [a / len(u) for a in e]
            return [torch.mm(active[i + 1].T, share[i]) for i in range(top)] + [a.sum(0) for a in share], before, f.mean()

        def train():
            losses, energies = [], []
            with torch.no_grad():
                for each in order:
                    sums = [0.0, 0.0]
                    for k in range(0, work.n, work.batch):
                        chosen = each[k:k + work.batch]
                        learnt, before, after = changes(data[chosen], label[chosen])
                        for p, d, v in zip((*m, *bias), learnt, speed):
                            v.mul_(PC_MOMENTUM).add_(d)
                            p.add_(v, alpha=PC_RATE)
                        sums[0] += before.item() * len(chosen)
                        sums[1] += after.item() * len(chosen)
                    losses.append(sums[0] / work.n)
                    energies.append(sums[1] / work.n)
            return lambda: losses + energies + digest(a.numpy() for a in m[::-1])

        return train

    return fresh


import_s = watch()
fresh = predictive_coding() if work.model == "pc" else perceptron()
build_s, base_mb = watch(), resident_mb()
fresh()()
compile_s = watch()
run = measured(fresh, lambda: products_s(work, torch.from_numpy, precision))
serve("torch", torch.__version__, given, run, build_s, compile_s, import_s, base_mb=base_mb)
