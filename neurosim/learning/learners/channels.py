"""How samples of numbers reach spiking networks: features as brightness from 0 to 1, and channels of both signs.

    u = clip((x - low)/span, 0, 1)         low_j: least x_j,  span: widest range of all features, of the samples seen first
    "on"      u                            a channel for each feature
    "on-off"  (u, 1 - u)                   and one for what is not there, as the ganglion cells of the retina

All features share one span, so that their proportions stay those of the user: bring features of different units to one scale
before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: what the parameter channels may be
CHANNELS = ("on", "on-off")


@dataclass(frozen=True, eq=False)
class Brightness:
    """Features from 0 to 1.

    Attributes:
        low: shape (d,).
        span: a number above 0.
    """

    low: np.ndarray
    span: float

    @classmethod
    def of(cls, x: np.ndarray) -> Brightness:
        """Return that of samples x (m, d)."""
        low = x.min(axis=0)
        # halves, since the range of huge numbers of both signs is infinite
        span = 2*float((x.max(axis=0)/2 - low/2).max())
        return cls(low, span if 0 < span < np.inf else 1.0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return u, shape (m, d)."""
        return np.clip((x - self.low)/self.span, 0.0, 1.0)


def channels(u: np.ndarray, kind: str) -> np.ndarray:
    """Return the channels of brightness u (m, d): (m, d) for "on", (m, 2d) for "on-off"."""
    return u if kind == "on" else np.concatenate([u, 1 - u], axis=1)


def equalised(z: np.ndarray, level: float) -> np.ndarray:
    """Return channels z (m, d), each sample scaled to the root mean square `level`; a dark one stays dark."""
    strength = np.sqrt((z**2).mean(axis=1, keepdims=True))
    return level*np.divide(z, strength, out=np.zeros_like(z), where=strength > 0)
