"""Training of spiking_training.py with snnTorch or Norse: python torch_surrogate.py TASK.npz RESET, subtract or zero.

Both as their tutorials have it: a loop over the steps of a batch, neurons as modules, gradients by PyTorch.
"""

import json
import sys
import time

import numpy as np
import peak
import torch

torch.set_num_threads(1)
task = np.load(sys.argv[1])
y, y_test = torch.tensor(task["y"]).long(), torch.tensor(task["y_test"]).long()
x, x_test = torch.tensor(task["x"]).float(), torch.tensor(task["x_test"]).float()
orders, batch = torch.tensor(task["orders"]), int(task["batch"])
BETA, K = 0.95, 10.0


class Common(torch.nn.Module):
    """Linear maps with the first weights of the task."""

    def __init__(self):
        super().__init__()
        w, w_out = torch.tensor(task["w"]), torch.tensor(task["w_out"])
        self.hidden, self.out = torch.nn.Linear(*w.shape), torch.nn.Linear(*w_out.shape)
        with torch.no_grad():
            self.hidden.weight.copy_(w.T)
            self.out.weight.copy_(w_out.T)
            self.hidden.bias.zero_()
            self.out.bias.zero_()


class SnnTorch(Common):
    """Leaky neurons of snnTorch, with reset by subtraction; the last ones do not spike."""

    def __init__(self):
        super().__init__()
        import snntorch as snn

        self.lif = snn.Leaky(beta=BETA, spike_grad=snn.surrogate.fast_sigmoid(slope=K))
        self.read = snn.Leaky(beta=BETA, reset_mechanism="none")

    def forward(self, x):
        """Return the mean membrane of the last layer."""
        u, v, total = self.lif.init_leaky(), self.read.init_leaky(), 0
        for t in range(x.shape[1]):
            s, u = self.lif(self.hidden(x[:, t]), u)
            _, v = self.read(self.out(s), v)
            total = total + v
        return total/x.shape[1]


class Norse(Common):
    """Box neurons of Norse, v += (1 - beta) (i - v), with reset to zero unseen by gradients; leaky integrators written down."""

    def __init__(self):
        super().__init__()
        import norse.torch as norse
        from norse.torch.functional.lif_box import LIFBoxParameters

        def to_zero(z, v, reset, threshold):
            return (1 - z.detach())*v

        p = LIFBoxParameters(tau_mem_inv=torch.tensor((1 - BETA)*1000), method="super", reset_method=to_zero)
        self.lif = norse.LIFBoxCell(p, dt=0.001)

    def forward(self, x):
        """Return the mean membrane of the last layer."""
        state, v, total = None, 0, 0
        for t in range(x.shape[1]):
            s, state = self.lif(self.hidden(x[:, t])/(1 - BETA), state)
            v = BETA*v + self.out(s)
            total = total + v
        return total/x.shape[1]


def new():
    """Return the model and its optimiser."""
    model = SnnTorch() if sys.argv[2] == "subtract" else Norse()
    return model, torch.optim.Adam(model.parameters(), 1e-3)


def steps(model, optimiser, order):
    """Train on the samples in this order and return the mean loss."""
    total = 0.0
    for k in range(0, len(order), batch):
        rows = order[k:k + batch]
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()*len(rows)
    return total/len(order)


def accuracy(model):
    """Return the share of right answers to new samples."""
    with torch.no_grad():
        found = torch.cat([model(x_test[k:k + batch]).argmax(1) for k in range(0, len(x_test), batch)])
    return float((found == y_test).float().mean())


model, optimiser = new()
done = 0
for word in sys.stdin:
    answer = {}
    if word.strip() == "warm":
        answer["peak"] = peak.restart()
        steps(*new(), orders[0][:2*batch])
    elif word.strip() == "epoch":
        start = time.process_time()
        answer["loss"] = steps(model, optimiser, orders[done % len(orders)])
        answer["seconds"] = time.process_time() - start
        done += 1
    else:
        answer["accuracy"] = accuracy(model)
        answer["peak"] = peak.peak()
    print(json.dumps(answer), flush=True)
