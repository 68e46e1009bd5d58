"""Runaway activity: a population that fires so fast that nothing but its refractory period holds it."""

from __future__ import annotations

import warnings

from neurosim.errors import NumericalWarning

#: ms over which a rate is taken
WINDOW = 50.0
#: Hz above which the mean rate of a population is reported
REPORTED = 500.0


class Watch:
    """Looks at the rate of one population.

    Args:
        name: of the population; n: neurons; dt: ms; first: first step.
        max_rate: Hz above which the run shall stop, or None.
    """

    def __init__(self, name: str, n: int, dt: float, first: int, max_rate: float | None):
        self.name, self.n, self.dt, self.max_rate = name, n, dt, max_rate
        self.step, self.spikes, self.reported = first, 0, False
        self.window = max(1, round(WINDOW / dt))

    def next(self) -> int:
        """Return the step to come back at, so that where the run stops does not depend on the speed of the machine."""
        return self.step + self.window

    def look(self, spikes: int, step: int) -> str:
        """Take the number of spikes until a step; return why the run must stop, or ''."""
        time = (step - self.step) * self.dt
        if step - self.step < self.window:
            return ""
        rate = 1000.0 * (spikes - self.spikes) / (self.n * time)
        began = self.step * self.dt
        self.step, self.spikes = step, spikes
        if self.max_rate is not None and rate > self.max_rate:
            return f"population {self.name!r} fired at {rate:.4g} Hz from {began:g} ms on, above max_rate={self.max_rate:g} Hz"
        if rate > REPORTED and not self.reported:
            self.reported = True
            warnings.warn(f"Runaway activity: population {self.name!r} fires at {rate:.4g} Hz (mean of its neurons from "
                          f"{began:g} to "
                          f"{step * self.dt:g} ms). The run goes on; max_rate= stops it.", NumericalWarning, stacklevel=5)
        return ""
