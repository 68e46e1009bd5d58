"""Unsupervised learning of digits by STDP, lateral inhibition and adaptive thresholds (Diehl and Cook 2015), at a small size.

    tau dv/dt = v_rest - v + g_e (e_e - v) + g_i (e_i - v),     v > v_th + theta:  v <- v_reset, held for t_ref
    dg_e/dt = -g_e/tau_e,    dg_i/dt = -g_i/tau_i               tau_theta dtheta/dt = -theta,  theta <- theta + theta_plus
    source spikes:    g_e <- g_e + gain w,  x <- x + 1          tau_x dx/dt = -x
    neuron spikes:    w <- w + eta (x - x_target) (w_max - w)^mu,     0 <= w <= w_max

Each pixel is a Poisson source whose rate is its brightness.  All pixels are connected to each of n excitatory neurons by
plastic weights; each excitatory neuron drives one inhibitory neuron, which inhibits all the others: the first to fire
silences the rest, and learns to fire earlier for what it saw.  The threshold of a neuron rises with every spike (theta), so
that none wins always.  An image is shown for `shown` ms, followed by `pause` ms of darkness.  After every ten images the
weights of each neuron are scaled to the sum `total`.

No label is used in learning.  Then weights and thresholds stand still; each neuron gets the digit to which it responds most
in a part of the training images, and a held-out image is read as the digit whose neurons respond most on average.

The paper uses 784 pixels of MNIST, 60,000 images and 100 to 6400 neurons; 100 neurons read 82.9 % of MNIST.  Here are the
8 x 8 digits of Alpaydin and Kaynak (data/digits.csv.gz), `train` of them shown `epochs` times, with gain and rates for 64
pixels, thresholds that rise and decay faster, one delay for all synapses instead of random ones, normalisation after ten
images instead of one, and no second showing of an image that gives few spikes.  So the accuracy is this program's, not the
paper's.  Training and held-out images are drawn at random (by the seed), so that writers occur in both.

Source: P. U. Diehl, M. Cook (2015), doi:10.3389/fncom.2015.00099.  Digits: E. Alpaydin, C. Kaynak (1998), Optical
recognition of handwritten digits, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.errors import StorageError
from neurosim.published import Number, Outcome, Reference, folder

from ._figures import letters, title

REFERENCE = Reference(
    citation="P. U. Diehl, M. Cook (2015), Unsupervised learning of digit recognition using spike-timing-dependent plasticity, "
    "Front. Comput. Neurosci. 9, 99",
    doi="10.3389/fncom.2015.00099",
    numbers={
        "accuracy": Number(82.9, 8.0, "%", "The paper's 100 neurons on MNIST; other images, fewer pixels and fewer lessons "
                           "here: near it is all that can be asked. Standard error of 500 images: 1.7 %."),
    },
)
PLASTIC = "X->E"
#: pixels in a row, brightest value
WIDTH, BRIGHT = 8, 16.0


def _unit(default: float, unit: str):
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Parameters:
    """n: excitatory neurons, 100. train, test: images to learn from and held out, 1200 and 500. epochs: 1. label: images
    from the training set by which neurons get their digits, 500.

    rate: of the brightest pixel (Hz), 128. shown, pause (ms): 350 and 150. every: images after which weights are
    normalised, 10. gain: conductance of a weight of 1 (leaks), 1. total: sum of the weights of a neuron, 20. w_max: 1.
    eta: 0.02; x_target: 0.8; mu: 0.2; tau_x (ms): 20. theta_0, theta_plus (mV), tau_theta (ms): thresholds at the
    beginning, step and decay, 15, 0.3 and 3e5. to_i, to_e: conductances of the connections to and from inhibitory
    neurons, 10.4 and 17. dt (ms): 0.5, also the delay.
    """

    n: int = 100
    train: int = 1200
    test: int = 500
    epochs: int = 1
    label: int = 500
    rate: float = _unit(128.0, "Hz")
    shown: float = _unit(350.0, "ms")
    pause: float = _unit(150.0, "ms")
    every: int = 10
    gain: float = 1.0
    total: float = 20.0
    w_max: float = 1.0
    eta: float = 0.02
    x_target: float = 0.8
    mu: float = 0.2
    tau_x: float = _unit(20.0, "ms")
    theta_0: float = _unit(15.0, "mV")
    theta_plus: float = _unit(0.3, "mV")
    tau_theta: float = _unit(3e5, "ms")
    to_i: float = 10.4
    to_e: float = 17.0
    dt: float = _unit(0.5, "ms")


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return images (1797, 64), from 0 to 1, and labels (1797,).

    Raises:
        StorageError: if the file did not come with the package.
    """
    home = folder("data")
    path = home / "digits.csv.gz" if home else None
    if path is None or not path.is_file():
        raise StorageError("The digits (data/digits.csv.gz) are not there. Run from a checkout of neurosim, or install it "
                           "anew.")
    table = np.loadtxt(path, delimiter=",")
    return table[:, :-1] / BRIGHT, table[:, -1].astype(int)


def build(parameters: Parameters = Parameters(), images: np.ndarray | None = None) -> ns.Network:
    """Return the network in front of images (n_images, pixels), from 0 to 1; None: one after the other, as in the file.

    For runs with ``dt=parameters.dt``; weights are normalised by `run`.
    """
    p = parameters
    if images is None:
        images = digits()[0]
    # whole rows of a table: the longest time of which both parts are multiples
    row = math.gcd(round(p.shown / p.dt), round(p.pause / p.dt)) * p.dt
    lit, dark = round(p.shown / row), round(p.pause / row)
    rates = np.zeros((len(images), lit + dark, images.shape[1]))
    rates[:, :lit] = p.rate * images[:, None]
    shared = """
        dv/dt = (v_rest - v + g_e*(e_e - v) + g_i*(e_i - v))/tau (unless refractory)
        dg_e/dt = -g_e/tau_e
        dg_i/dt = -g_i/tau_i
    """
    synaptic = {"e_e": 0.0, "tau_e": 1.0, "tau_i": 2.0}
    excitatory = ns.NeuronModel.from_equations(
        shared + "\n        dtheta/dt = -theta/tau_theta\n", threshold="v > v_th + theta",
        reset="v = v_reset; theta += theta_plus", refractory="t_ref", initial={"v": "v_rest", "theta": p.theta_0},
        parameters=synaptic | {"v_rest": -65.0, "e_i": -100.0, "tau": 100.0, "v_th": -52.0, "v_reset": -65.0, "t_ref": 5.0,
                               "tau_theta": p.tau_theta, "theta_plus": p.theta_plus}, name="excitatory")
    inhibitory = ns.NeuronModel.from_equations(
        shared, threshold="v > v_th", reset="v = v_reset", refractory="t_ref", initial={"v": "v_rest"}, name="inhibitory",
        parameters=synaptic | {"v_rest": -60.0, "e_i": -85.0, "tau": 10.0, "v_th": -40.0, "v_reset": -45.0, "t_ref": 2.0})
    size = WIDTH * WIDTH
    source = ns.NeuronModel.from_equations("", threshold="rand() < i*dt/1000", edge=False, inputs=["i"], name="pixel")
    pixels = ns.Population(size, source, name="X")
    exc, inh = ns.Population(p.n, excitatory, name="E"), ns.Population(p.n, inhibitory, name="I")
    rule = ns.PlasticityModel.from_equations(
        "dx/dt = -x/tau_x", on_pre="send(gain*w); x += 1", on_post="w += eta*(x - x_target)*maximum(w_max - w, 0)**mu",
        bounds={"w": (0, "w_max")}, name="diehl_cook",
        parameters={k: getattr(p, k) for k in ("gain", "eta", "x_target", "w_max", "mu", "tau_x")})
    delay = p.dt
    shows = ns.TimedArray(rates.reshape(-1, size), interval=row, target=pixels)
    return ns.Network([pixels, exc, inh], stimuli=[shows], record_spikes=[exc], projections=[
        ns.Projection(pixels, exc, ns.AllToAll(), ns.Delta(ns.Uniform(0.0, 2 * p.total / size), variable="g_e"), delay=delay,
                      plasticity=rule, name=PLASTIC),
        ns.Projection(exc, inh, ns.OneToOne(), ns.Delta(p.to_i, variable="g_e"), delay=delay),
        ns.Projection(inh, exc, ns.Matrix(p.to_e * (1 - np.eye(p.n))), ns.Delta(1.0, variable="g_i"), delay=delay)])


class _Stage:
    """The network in front of a row of images, `shown` ms each, with a pause after each.

    images: shape (n_images, pixels), in the order in which they are shown.
    """

    def __init__(self, p: Parameters, images: np.ndarray, seed: int, threads: int, progress: Any):
        self.p, self.network, self.taken = p, build(p, images), 0
        self.common = dict(dt=p.dt, seed=seed, threads=threads, progress=progress)
        self.result: ns.Result | None = None

    def show(self, n: int, **changes: Any) -> np.ndarray:
        """Show the next `n` images; return the spikes of each excitatory neuron for each, shape (n, neurons)."""
        p, each = self.p, self.p.shown + self.p.pause
        self.result = ns.simulate(self.network, n * each, resume=self.result, changes=changes or None, **self.common)
        spikes = self.result.spikes["E"]
        counts = np.zeros((n, p.n), int)
        # a spike at the very end of a pause belongs to the image before it
        np.add.at(counts, (np.ceil(spikes.times / each - 1e-9).astype(int) - 1 - self.taken, spikes.indices), 1)
        self.taken += n
        return counts

    def normalise(self) -> None:
        """Scale the weights of each neuron to the same sum."""
        links = self.result.connections[PLASTIC]
        w, post = links.weight, links.post
        w = w * (self.p.total / np.maximum(np.bincount(post, w, self.p.n), 1e-9))[post]
        self.result = ns.simulate(self.network, 0.0, resume=self.result, changes={PLASTIC: {"w": w}}, **self.common)

    def weights(self) -> np.ndarray:
        """Return the weights, shape (n, pixels)."""
        links = self.result.connections[PLASTIC]
        out = np.zeros((self.p.n, WIDTH * WIDTH))
        out[links.post, links.pre] = links.weight
        return out


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Learn, give labels, and read the held-out images; `duration` (ms) cuts learning off."""
    p = parameters
    images, labels = digits()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    train, test = order[:p.train], order[p.train:p.train + p.test]
    lessons = np.concatenate([rng.permutation(train) for _ in range(p.epochs)])
    if duration is not None:
        lessons = lessons[:int(duration / (p.shown + p.pause))]
    known = train[:p.label]
    stage = _Stage(p, images[np.concatenate([lessons, known, test])], seed, threads, False if len(lessons) else progress)
    thetas, change, seen_by = [], [], []
    stage.show(0)
    stage.normalise()
    before = last = stage.weights()
    for low in range(0, len(lessons), p.every):
        stage.show(min(p.every, len(lessons) - low))
        stage.normalise()
        now = stage.weights()
        change.append(np.abs(now - last).sum(axis=1).mean() / p.total)
        thetas.append(stage.result.final("E", "theta"))
        seen_by.append(stage.taken)
        last = now
    still = {"E": {"theta_plus": 0.0, "tau_theta": 1e30}, PLASTIC: {"eta": 0.0}}
    responses = stage.show(len(known) + len(test), **still)
    seen, responses = responses[:len(known)], responses[len(known):]
    given = assign(seen, labels[known])
    answers = read(responses, given)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (labels[test], answers), 1)
    after = stage.weights()
    measured = {"accuracy": 100.0 * float(np.mean(answers == labels[test])),
                "accuracy_labelled": 100.0 * float(np.mean(read(seen, given) == labels[known])),
                "neurons_used": float(np.sum(seen.sum(axis=0) > 0)),
                "spikes_per_image": float(responses.sum(axis=1).mean()),
                "silent_images": float(np.sum(responses.sum(axis=1) == 0)),
                "winner_share": float(np.mean(responses.max(axis=1) / np.maximum(responses.sum(axis=1), 1)))}
    return Outcome(measured, {"before": before, "after": after, "labels": given,
                              "thetas": np.array(thetas), "change": np.array(change), "seen": np.array(seen_by),
                              "confusion": confusion, "responses": responses}, p)


def assign(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return for each neuron the digit to which it gives most spikes on average, -1 if it never fires; counts (images, n)."""
    means = np.zeros((10, counts.shape[1]))
    for d in np.unique(labels):
        means[d] = counts[labels == d].mean(axis=0)
    return np.where(means.max(axis=0) > 0, means.argmax(axis=0), -1)


def read(counts: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return for each image the digit whose neurons give most spikes on average."""
    means = np.full((10, len(counts)), -1.0)
    for d in np.unique(given[given >= 0]):
        means[d] = counts[:, given == d].mean(axis=1)
    return means.argmax(axis=0)


def figure(outcome: Outcome):
    """Return receptive fields before and after, in the order of their digits, weights, thresholds, and the confusion matrix."""
    p, kept = outcome.parameters, outcome.results
    fig, axes = ns.plot.figure(2, 3, width=7.2, height=4.9)
    order = np.argsort(kept["labels"], kind="stable")
    columns = int(np.ceil(np.sqrt(p.n)))
    for ax, w, label in ((axes[0, 0], kept["before"], "before"), (axes[0, 1], kept["after"][order], "after, by digit")):
        tile = np.full((-(-p.n // columns) * (WIDTH + 1) - 1, columns * (WIDTH + 1) - 1), np.nan)
        for k, field_ in enumerate(w):
            row, column = divmod(k, columns)
            tile[row * (WIDTH + 1):row * (WIDTH + 1) + WIDTH, column * (WIDTH + 1):column * (WIDTH + 1) + WIDTH] = \
                field_.reshape(WIDTH, WIDTH)
        image = ax.imshow(tile, cmap=ns.plot.COLORMAP, vmin=0, vmax=kept["after"].max(), interpolation="nearest")
        ax.set_axis_off()
        title(ax, f"Receptive fields {label}")
    bar = fig.colorbar(image, ax=axes[0, 1], pad=0.02, fraction=0.05)
    bar.set_label("Weight", fontsize=6.5)
    bar.ax.tick_params(labelsize=6)
    ns.plot.weight_histogram(kept["after"].ravel(), before=kept["before"].ravel(), ax=axes[0, 2], log_counts=True)
    ax = axes[1, 0]
    # biological time: of as many images with their pauses
    seen = np.asarray(kept["seen"]) * (p.shown + p.pause) / 1000.0
    ax.plot(seen, 100 * kept["change"], color=ns.plot.PALETTE[0], lw=1.1)
    ax.set(xlabel="Time of learning (s)", ylabel=f"Weights changed in {p.every} images (%)", ylim=(0, None))
    ax = axes[1, 1]
    if len(seen):
        for low, high, alpha in ((5, 95, 0.2), (25, 75, 0.35)):
            band = np.percentile(kept["thetas"], (low, high), axis=1)
            ax.fill_between(seen, *band, color=ns.plot.PALETTE[0], alpha=alpha, lw=0)
        ax.plot(seen, np.median(kept["thetas"], axis=1), color=ns.plot.PALETTE[0], lw=1.1)
    ax.set(xlabel="Time of learning (s)", ylabel="Threshold θ (mV)")
    ax = axes[1, 2]
    share = kept["confusion"] / np.maximum(kept["confusion"].sum(axis=1, keepdims=True), 1)
    image = ax.imshow(100 * share, cmap=ns.plot.COLORMAP, vmin=0, vmax=100)
    bar = fig.colorbar(image, ax=ax, pad=0.02, fraction=0.05)
    bar.set_label("Images (%)", fontsize=6.5)
    bar.ax.tick_params(labelsize=6)
    ax.set(xlabel="Digit read", ylabel="Digit shown", xticks=range(10), yticks=range(10))
    title(ax, f"{kept['confusion'].sum()} held-out images: {outcome.measured['accuracy']:.1f} % right")
    letters(axes.ravel(), "abcdef")
    return fig
