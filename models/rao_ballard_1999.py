"""Predictive coding in the visual cortex: receptive fields and end-stopping from natural images (Rao & Ballard 1999).

    E = sum_k |I_k - U r_k|^2/s + sum_k |r_k - rtd_k|^2/s_td + g(r, alpha_1) + g(h, alpha_2),   (rtd_1 rtd_2 rtd_3) = H h
    dr_k/dt = U^T (I_k - U r_k)/s + (rtd_k - r_k)/s_td - alpha_1 r_k/(1 + r_k^2)
    dh/dt   = H^T (r - rtd)/s_td - alpha_2 h/(1 + h^2)
    dU = sum_k (I_k - U r_k) r_k^T/s,   dH = (r - rtd) h^T/s_td - lambda H                     once r and h are at rest

Three patches I_k of 16 x 16 pixels, each 5 further to the right, under a Gaussian window; 32 units r_k see one patch each, 128
units h all of them. g(r, alpha) = alpha sum log(1 + r^2) is the kurtotic prior. Errors r_k - rtd_k go up, predictions down. A
bar that goes on beyond a patch is common in images and is predicted by what the neighbours see: the error is smaller than for
a short one. Without feedback (rtd = 0) the units of a patch cannot know what lies beyond it.

Of the paper the abstract was at hand; equations and what its text says of bars are as remembered, sizes, s = 1, s_td = 10 and
alpha_2 = 0.05 also as others use them. What is otherwise here:

- No photographs: images are dead leaves (rectangles of random directions, of lengths with density l^-3, one over the other;
  Lee, Mumford & Huang 2001, doi:10.1023/A:1011109015675), whitened up to a corner frequency, which have their edges and 1/f.
- The three groups of 32 units have the same U, as images are alike everywhere. Columns of U have length 1 (in the paper weights
  decay), so that alpha_1 says how sparse r is; it is 5 for patches of standard deviation 5 before the window.
- f(x) = x; the paper has tanh also.
- lambda is 0.03, where end-stopping is clear; with 0.001 even short bars are predicted almost wholly (0.07 of r is left).
- A gradient of fixed step, 40 steps for each batch of 100 patches; the paper learns from patch after patch.

No number below is a printed one: they are what the paper states in words. Chances that one is missed for another seed are from
8 seeds, as if values over seeds were normal.

Source: R. P. N. Rao, D. H. Ballard (1999), doi:10.1038/4580.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import neurosim as ns
from neurosim import predictive
from neurosim.published import Number, Outcome, Reference

from ._figures import legend, letters, title

#: pixels of a patch, from one to the next, and of all three side by side
PATCH, SHIFT = 16, 5
WIDE = PATCH + 2 * SHIFT

REFERENCE = Reference(
    citation="R. P. N. Rao, D. H. Ballard (1999), Predictive coding in the visual cortex: a functional interpretation of some "
    "extra-classical receptive-field effects, Nature Neuroscience 2, 79-87",
    doi="10.1038/4580",
    numbers={
        "oriented": Number(1.0, 0.2, "", "Abstract, simple-cell-like receptive fields: part of the 32 units whose spectrum has "
                           "a direction (index over 0.4; noise has 0.08). Here 0.95 +- 0.04 over seeds, missed by 1 "
                           "in 10^4."),
        "endstopped": Number(1.0, 0.35, "", "Abstract, error neurons showed endstopping: part of those that respond to bars of "
                             "which the end-stopping index 1 - R(26)/max R is higher with feedback than without; half by "
                             "chance. Here 0.91 +- 0.07 over seeds, missed by 1 in 2000."),
        "surround_free": Number(0.0, 1e-9, "", "Text, without feedback there is no endstopping by what lies beyond the patch: "
                                "fall of the mean response from bars of 16 pixels, as wide as it, to 26; rounding."),
        "long_bar": Number(0.0, 0.25, "", "Text, a long bar is predicted by the higher level: mean response to bars of 26 "
                           "pixels, over that without feedback. Here 0.063 to 0.103 over seeds, mean 0.09 +- 0.013."),
        "long_to_short": Number(0.0, 0.6, "", "Text, a short bar is not: the same for 26 pixels, over that for 2. Here "
                                "0.23 to 0.37 over seeds, mean 0.32 +- 0.05: missed by less than 1 in 10^6."),
    },
)


@dataclass(frozen=True)
class Parameters:
    """images: 10, of size x size pixels, 128. corner: frequency up to which they are whitened (1/pixel), 0.3. contrast: their
    standard deviation, 5. window: standard deviation of the window (pixels), 4. n_1, n_2: units of a patch, 32, and above, 128.
    s, s_td: variances of the errors, 1 and 10. alpha_1, alpha_2: strengths of the priors, 5 and 0.05. decay: lambda, 0.03.
    batches: 300, of 100 patches. rate: of U, 0.05; that of H is twenty times that. steps: of inference, 40.
    """

    images: int = 10
    size: int = 128
    corner: float = 0.3
    contrast: float = 5.0
    window: float = 4.0
    n_1: int = 32
    n_2: int = 128
    s: float = 1.0
    s_td: float = 10.0
    alpha_1: float = 5.0
    alpha_2: float = 0.05
    decay: float = 0.03
    batches: int = 300
    rate: float = 0.05
    steps: int = 40


def leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return an image (size, size) of rectangles, each seen where no earlier one covers it."""
    image, (y, x) = np.full((size, size), np.nan), np.mgrid[:size, :size]
    while np.isnan(image).any():
        # half lengths from 3 to 60 pixels with density l^-3
        u = rng.random()
        long = 1 / np.sqrt(u / 60**2 + (1 - u) / 3**2)
        wide, turn, grey = long * rng.uniform(0.15, 1), rng.uniform(0, np.pi), rng.uniform(-1, 1)
        middle, reach = rng.uniform(-long, size + long, 2), int(long + wide) + 2
        near = tuple(slice(max(0, int(c) - reach), max(0, int(c) + reach)) for c in middle)
        dy, dx = y[near] - middle[0], x[near] - middle[1]
        inside = (np.abs(dx * np.cos(turn) + dy * np.sin(turn)) < long) & (np.abs(dy * np.cos(turn) - dx * np.sin(turn)) < wide)
        part = image[near]
        part[inside & np.isnan(part)] = grey
    return image


def whitened(image: np.ndarray, corner: float) -> np.ndarray:
    """Return an image filtered by f exp(-(f/corner)^4), which makes 1/f flat, with standard deviation 1."""
    f = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n) for n in image.shape], indexing="ij"))
    found = np.fft.ifft2(np.fft.fft2(image) * f * np.exp(-((f / corner) ** 4))).real
    return found / found.std()


def patches(images: np.ndarray, window: float) -> np.ndarray:
    """Return the three patches (n, 3, 256) of images (n, 16, 26), under the window."""
    at = np.arange(PATCH) - (PATCH - 1) / 2
    shade = np.exp(-(at[:, None] ** 2 + at**2) / (2 * window**2))
    each = [images[:, :, k * SHIFT:k * SHIFT + PATCH] * shade for k in range(3)]
    return np.stack(each, axis=1).reshape(len(images), 3, -1)


def first(p: Parameters, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return first weights U (256, n_1), with columns of length 1, and H (3 n_1, n_2)."""
    u = rng.normal(size=(PATCH**2, p.n_1))
    return u / np.linalg.norm(u, axis=0), 0.1 * rng.normal(size=(3 * p.n_1, p.n_2))


def build(parameters: Parameters = Parameters()) -> predictive.PredictiveNetwork:
    """Return the network before learning, without alpha_1 and with a Gaussian prior of h: as `neurosim.predictive` has it."""
    p = parameters
    net = predictive.PredictiveNetwork((3 * PATCH**2, 3 * p.n_1, p.n_2), "identity", direction="generative",
                                       nu=(p.s, p.s_td), prior=1 / p.alpha_2)
    u, h = first(p, np.random.default_rng(0))
    net.M[0][...] = np.kron(np.eye(3), u.T)
    net.M[1][...] = h.T
    return net


def infer(p: Parameters, u: np.ndarray, top: np.ndarray, seen: np.ndarray, steps: int, feedback: bool = True,
          ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return r (n, 3, n_1), h (n, n_2) and rtd, shaped as r, after some steps of inference; u and top are U and H."""
    n = len(seen)
    r, h, down = np.zeros((n, 3, p.n_1)), np.zeros((n, p.n_2)), np.zeros((n, 3, p.n_1))
    drive, own = seen @ u, u.T @ u
    # the greatest curvatures of E
    step = 1 / (np.linalg.norm(own, 2) / p.s + 1 / p.s_td + p.alpha_1)
    step_top = 1 / (np.linalg.norm(top, 2) ** 2 / p.s_td + p.alpha_2)
    for _ in range(steps):
        error = r - down
        r = r + step * ((drive - r @ own) / p.s - error / p.s_td - p.alpha_1 * r / (1 + r * r))
        if feedback:
            h = h + step_top * (error.reshape(n, -1) @ top / p.s_td - p.alpha_2 * h / (1 + h * h))
            down = (h @ top.T).reshape(r.shape)
    return r, h, down


def learn(p: Parameters, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return U, H, and the parts (batches, 2) of patches and of r that were not predicted."""
    u, top = first(p, rng)
    course = np.zeros((p.batches, 2))
    places = np.lib.stride_tricks.sliding_window_view(images, (PATCH, WIDE), axis=(1, 2))
    for k in range(p.batches):
        seen = patches(places[tuple(rng.integers(n, size=100) for n in places.shape[:3])], p.window)
        r, h, down = infer(p, u, top, seen, p.steps)
        missed, error = seen - r @ u.T, (r - down).reshape(len(r), -1)
        course[k] = np.square(missed).sum() / np.square(seen).sum(), np.square(error).sum() / np.square(r).sum()
        rate = p.rate / (1 + k / 200)
        u = u + rate * np.tensordot(missed, r, ((0, 1), (0, 1))) / (len(r) * p.s)
        u /= np.linalg.norm(u, axis=0)
        top = top + 20 * rate * (error.T @ h / (len(r) * p.s_td) - p.decay * top)
    return u, top, course


def direction(u: np.ndarray) -> np.ndarray:
    """Return |sum P(f) e^(2 i angle)|/sum P(f) of the spectrum P of each column: 1 for a grating, 0 without direction."""
    spectrum = np.abs(np.fft.fft2(u.T.reshape(-1, PATCH, PATCH))) ** 2
    f = np.fft.fftfreq(PATCH)
    turn = np.exp(2j * np.arctan2(f[:, None], f))
    # the mean has no direction
    spectrum[:, 0, 0] = 0.0
    return np.abs((spectrum * turn).sum(axis=(1, 2))) / spectrum.sum(axis=(1, 2))


#: lengths of bars (pixels), 2 wide, and the rows where they begin
LENGTHS, ROWS = tuple(range(2, WIDE + 1, 2)), tuple(range(2, 13))


def bars() -> np.ndarray:
    """Return images (rows, lengths, 16, 26) of horizontal bars of brightness 1, in the middle."""
    found = np.zeros((len(ROWS), len(LENGTHS), PATCH, WIDE))
    for i, row in enumerate(ROWS):
        for j, length in enumerate(LENGTHS):
            begin = (WIDE - length) // 2
            found[i, j, row:row + 2, begin:begin + length] = 1.0
    return found


def run(parameters: Parameters = Parameters(), *, duration: float | None = None, seed: int = 0, threads: int = 1,
        progress=None) -> Outcome:
    """Learn from images and show bars; there is no time to give, `duration` is not used, nor are `threads` and `progress`."""
    p, rng = parameters, np.random.default_rng(seed)
    raw = np.stack([leaves(p.size, rng) for _ in range(p.images)])
    images = p.contrast * np.stack([whitened(one, p.corner) for one in raw])
    u, top, course = learn(p, images, rng)
    seen = patches(p.contrast * bars().reshape(-1, PATCH, WIDE), p.window)
    size, long = (len(ROWS), len(LENGTHS), p.n_1), LENGTHS.index(PATCH)
    answers = [infer(p, u, top, seen, 400, feedback) for feedback in (False, True)]
    free, held = (np.abs(r - down)[:, 1].reshape(size) for r, _, down in answers)
    # each unit where it responds most, and the half that respond most: units of other directions see little of these bars
    peak = free.max(axis=(0, 1))
    chosen = np.flatnonzero(peak >= np.median(peak))
    row = free.max(axis=1).argmax(axis=0)[chosen]
    free, held = free[row, :, chosen], held[row, :, chosen]
    index = [1 - curve[:, -1] / curve.max(axis=1) for curve in (free, held)]
    mean = free.mean(axis=0), held.mean(axis=0)
    part = mean[1] / mean[0]
    oriented = direction(u)
    measured = {"oriented": float(np.mean(oriented > 0.4)), "endstopped": float(np.mean(index[1] > index[0])),
                "surround_free": abs(1 - float(mean[0][-1] / mean[0][long])), "long_bar": float(part[-1]),
                "long_to_short": float(part[-1] / part[0]), "surround": 1 - float(mean[1][-1] / mean[1][long]),
                "index": float(index[1].mean()), "index_free": float(index[0].mean()), "direction": float(oriented.mean()),
                "unexplained": float(course[-1, 0]), "unpredicted": float(course[-1, 1])}
    return Outcome(measured, {"u": u, "image": images[0], "free": free, "held": held, "course": course}, p)


def figure(outcome: Outcome):
    """Return the figure: an image with the three patches, receptive fields, and responses to bars."""
    from matplotlib.patches import Rectangle

    r, p, m = outcome.results, outcome.parameters, outcome.measured
    fig, axes = ns.plot.figure(1, 3, width=7.2, height=2.4, width_ratios=[0.9, 1.4, 1.2])
    a, b, c = axes[0]
    a.imshow(r["image"], cmap="gray", vmin=-3 * p.contrast, vmax=3 * p.contrast)
    for k in range(3):
        corner = p.size // 3 + k * SHIFT, 2 * p.size // 5
        a.add_patch(Rectangle(corner, PATCH, PATCH, fill=False, lw=0.8, ec=ns.plot.PALETTE[1]))
    a.set(xticks=[], yticks=[])
    a.spines[:].set_visible(False)
    title(a, "Dead leaves, three patches")
    ns.plot.pattern_grid(r["u"].T, (PATCH, PATCH), 8, b, signed=True)
    title(b, f"Receptive fields of {p.n_1} units")
    for k, (curve, name) in enumerate(((r["held"], "with feedback"), (r["free"], "without feedback"))):
        part = curve / curve.max(axis=1, keepdims=True)
        c.plot(LENGTHS, part.T, color=ns.plot.PALETTE[k], lw=0.4, alpha=0.25)
        c.plot(LENGTHS, part.mean(axis=0), color=ns.plot.PALETTE[k], lw=1.6, label=name)
    c.axvline(PATCH, color="#8C8C8C", lw=0.7, ls=":")
    c.set(xlabel="Length of the bar (pixels)", ylabel="Error response / maximum", xlim=(0, WIDE), ylim=(0, 1.28),
          yticks=np.arange(0, 1.1, 0.2))
    legend(c, "upper right")
    title(c, f"End-stopping {m['index']:.2f}, without {m['index_free']:.2f}")
    letters((a, b, c))
    return fig
