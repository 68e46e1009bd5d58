"""Training of spiking_training.py with neurosim: python neurosim_surrogate.py TASK.npz RESET.

Words come from standard input: warm, epoch, score; each gets a line of JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import peak

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from neurosim.learning import Adam, Descent, Integrator, Spiking, accuracy, build, categorical_cross_entropy  # noqa: E402

task = np.load(sys.argv[1])
x, y, x_test, y_test, orders, batch = (task[k] for k in ("x", "y", "x_test", "y_test", "orders", "batch"))
x, x_test = x.astype(np.float32), x_test.astype(np.float32)
TAU = -1/np.log(0.95)


def new():
    """Return the model and its optimiser."""
    zero = sys.argv[2] == "zero"
    # Norse 1.1 takes the steepness of SuperSpike as an argument but computes with 1
    layers = [Spiking(task["w"].shape[1], TAU, reset=sys.argv[2], steepness=1.0 if zero else 10.0),
              Integrator(task["w_out"].shape[1], TAU, read="mean")]
    model = build(layers, x.shape[1:], dtype="float32")
    model.parameters["0.w"].value[...], model.parameters["1.w"].value[...] = task["w"], task["w_out"]
    return model, Descent(model.parameters.values(), Adam(1e-3))


def steps(model, descent, order):
    """Train on the samples in this order and return the mean loss."""
    total = 0.0
    for k in range(0, len(order), batch):
        rows = order[k:k + batch]
        loss = categorical_cross_entropy(model(x[rows], True), y[rows])
        loss.backward(release=True)
        descent.step()
        total += loss.item()*len(rows)
    return total/len(order)


model, descent = new()
done = 0
for word in sys.stdin:
    answer = {}
    if word.strip() == "warm":
        answer["peak"] = peak.restart()
        steps(*new(), orders[0][:2*batch])
    elif word.strip() == "epoch":
        start = time.process_time()
        answer["loss"] = steps(model, descent, orders[done % len(orders)])
        answer["seconds"] = time.process_time() - start
        done += 1
    else:
        answer["accuracy"] = accuracy(model.predict(x_test, batch=int(batch)), y_test)
        answer["peak"] = peak.peak()
    print(json.dumps(answer), flush=True)
