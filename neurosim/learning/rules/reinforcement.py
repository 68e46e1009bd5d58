"""Reinforcement learning in tables, and small worlds to learn in.

    value iteration   Q(s, a) <- sum_s' P(s'|s, a) (R(s') + gamma max_b Q(s', b)),  until nothing changes
    Q-learning        Q(s, a) += alpha (r + gamma max_b Q(s', b) - Q(s, a))
    SARSA             Q(s, a) += alpha (r + gamma Q(s', a') - Q(s, a))
    REINFORCE         theta(s_t, b) += alpha gamma^t (G_t - V(s_t)) (1[b = a_t] - pi(b|s_t)),   G_t = r_t + gamma G_(t+1)
    actor-critic      delta = r + gamma V(s') - V(s),   V(s) += beta delta,   theta(s, b) += alpha delta (1[b = a] - pi(b|s))

Q-learning and SARSA act greedily but for a share epsilon of random actions, pi is the softmax of theta, and what follows a
terminal state is worth 0.  The V of REINFORCE, its baseline, is moved by beta (G_t - V).

Sources: Watkins & Dayan 1992, doi:10.1007/BF00992698; Rummery & Niranjan 1994 (SARSA); Williams 1992, doi:10.1007/BF00992696;
Barto, Sutton & Anderson 1983, doi:10.1109/TSMC.1983.6313077.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError

#: steps on a grid, (rows, columns): up, right, down, left
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class World:
    """A finite world.

    Attributes:
        follow: P(s'|s, a), shape (states, actions, states).
        rewards: R, for arriving in each state, (states,).
        terminal: states where an episode ends, (states,) bool.
        start: first state of an episode, or None: any that is not terminal.
        limit: steps after which an episode is broken off.

    Raises:
        ParameterError: for shapes that do not fit, what is no probability, or a start or limit that is none.
    """

    follow: np.ndarray
    rewards: np.ndarray
    terminal: np.ndarray
    start: int | None = None
    limit: int = 100

    def __post_init__(self):
        n = len(self.rewards)
        if self.follow.ndim != 3 or self.follow.shape[::2] != (n, n) or self.terminal.shape != (n,):
            raise ParameterError(f"World: with {n} rewards, follow must have shape ({n}, actions, {n}) and terminal ({n},), "
                                 f"not {self.follow.shape} and {self.terminal.shape}.")
        if np.any(self.follow < 0) or not np.allclose(self.follow.sum(axis=2), 1):
            raise ParameterError("World: follow must hold probabilities, of sum 1 over the last axis.")
        if self.terminal.all() or (self.start is not None and not (0 <= self.start < n and not self.terminal[self.start])):
            raise ParameterError(f"World: start={self.start} must be one of the {n} states, and not terminal.")
        if self.limit < 1:
            raise ParameterError(f"World: limit={self.limit} must be 1 step or more.")

    def begin(self, rng: np.random.Generator) -> int:
        """Return the first state of an episode."""
        return int(rng.choice(np.flatnonzero(~self.terminal))) if self.start is None else self.start

    def step(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        """Return the next state, the reward, and whether the episode ends there."""
        bounds = self.follow[state, action].cumsum()
        # sums may be 1 but for rounding
        after = int(np.searchsorted(bounds[:-1], rng.random()*bounds[-1], side="right"))
        return after, float(self.rewards[after]), bool(self.terminal[after])


def grid_world(rows: list[str], slip: float = 0.0, limit: int = 100) -> World:
    """Return a grid drawn in text: ``S`` start (none: anywhere), ``G`` goal with reward 1, ``#`` wall, ``.`` free.

    States are counted row by row, walls too; who walks into a wall or off the grid stays.  With probability `slip` the move is
    another one, drawn from all four.

    Raises:
        ParameterError: for rows of different lengths, unknown signs, or none or several goals.
    """
    text = "".join(rows)
    width = len(rows[0]) if rows else 0
    if any(len(r) != width for r in rows) or set(text) - set("SG#.") or text.count("G") != 1 or text.count("S") > 1:
        raise ParameterError("grid_world: rows must be of one length, of the signs S G # . with one G and at most one S.")
    n, follow = len(text), np.zeros((len(text), len(MOVES), len(text)))
    for state in range(n):
        for action, (down, right) in enumerate(MOVES):
            row, column = state//width + down, state % width + right
            inside = 0 <= row < len(rows) and 0 <= column < width and rows[row][column] != "#"
            follow[state, action, row*width + column if inside else state] += 1
    follow = (1 - slip)*follow + slip*follow.mean(axis=1, keepdims=True)
    signs = np.array(list(text))
    start = text.index("S") if "S" in text else None
    return World(follow, (signs == "G").astype(float), np.isin(signs, ["G", "#"]), start, limit)


def value_iteration(world: World, gamma: float = 0.9, tolerance: float = 1e-12) -> np.ndarray:
    """Return Q*, (states, actions), 0 in terminal states; gamma below 1 makes it converge by that factor a round."""
    if not 0 <= gamma < 1:
        raise ParameterError(f"value_iteration: gamma must be at least 0 and below 1, not {gamma!r}.")
    q = np.zeros(world.follow.shape[:2])
    while True:
        new = world.follow @ (world.rewards + gamma*np.where(world.terminal, 0, q.max(axis=1)))
        new[world.terminal] = 0
        if np.abs(new - q).max() <= tolerance:
            return new
        q = new


def q_learning(world: World, episodes: int, rng: np.random.Generator, alpha: float | Callable[[int], float] = 0.3,
               epsilon: float = 0.1, gamma: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Return Q (states, actions) and the steps of each episode; alpha may be a function of the visits of (s, a) so far."""
    return _table(world, episodes, rng, alpha, epsilon, gamma, lambda q, action: q.max())


def sarsa(world: World, episodes: int, rng: np.random.Generator, alpha: float | Callable[[int], float] = 0.3,
          epsilon: float = 0.1, gamma: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Return Q (states, actions) of the policy that it follows and the steps of each episode; see `q_learning`."""
    return _table(world, episodes, rng, alpha, epsilon, gamma, lambda q, action: q[action])


def _table(world: World, episodes: int, rng: np.random.Generator, alpha: float | Callable[[int], float], epsilon: float,
           gamma: float, worth: Callable[[np.ndarray, int], float]) -> tuple[np.ndarray, np.ndarray]:
    q, visits, steps = np.zeros(world.follow.shape[:2]), np.zeros(world.follow.shape[:2], int), np.zeros(episodes, int)

    def choose(state: int) -> int:
        best = np.flatnonzero(q[state] == q[state].max())
        return int(rng.integers(q.shape[1]) if rng.random() < epsilon else rng.choice(best))

    for episode in range(episodes):
        state, done = world.begin(rng), False
        action = choose(state)
        while not done and steps[episode] < world.limit:
            after, reward, done = world.step(state, action, rng)
            following = choose(after)
            rate = alpha(int(visits[state, action])) if callable(alpha) else alpha
            wanted = reward + (0 if done else gamma*worth(q[after], following))
            q[state, action] += rate*(wanted - q[state, action])
            visits[state, action] += 1
            state, action = after, following
            steps[episode] += 1
    return q, steps


def softmax(theta: np.ndarray) -> np.ndarray:
    """Return exp(theta_b)/sum(exp(theta)) along the last axis."""
    odds = np.exp(theta - theta.max(axis=-1, keepdims=True))
    return odds/odds.sum(axis=-1, keepdims=True)


def reinforce(world: World, episodes: int, rng: np.random.Generator, alpha: float = 2.0, beta: float = 0.1,
              gamma: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Return the preferences theta (states, actions) and the steps of each episode."""
    theta, v, steps = np.zeros(world.follow.shape[:2]), np.zeros(len(world.rewards)), np.zeros(episodes, int)
    for episode in range(episodes):
        state, done, path = world.begin(rng), False, []
        while not done and len(path) < world.limit:
            action = int(rng.choice(theta.shape[1], p=softmax(theta[state])))
            after, reward, done = world.step(state, action, rng)
            path.append((state, action, reward))
            state = after
        steps[episode], gained = len(path), 0.0
        for t, (state, action, reward) in reversed(list(enumerate(path))):
            gained = reward + gamma*gained
            _prefer(theta[state], action, alpha*gamma**t*(gained - v[state]))
            v[state] += beta*(gained - v[state])
    return theta, steps


class Walk:
    """A walk through a world, episode after episode, whose steps somebody else decides; a critic tells how good they were.

    Args:
        world: to walk in. rng: for the world. beta: rate of learning of the critic. gamma: discount.

    Attributes:
        state: where it is. values: V, (states,), what the critic has learnt. steps: of each episode that has ended.
    """

    def __init__(self, world: World, rng: np.random.Generator, beta: float = 0.3, gamma: float = 0.9):
        self.world, self.rng, self.beta, self.gamma = world, rng, beta, gamma
        self.state, self.values, self.steps = world.begin(rng), np.zeros(len(world.rewards)), []
        self._now = 0

    def move(self, action: int) -> float:
        """Take an action and return delta = r + gamma V(s') - V(s), by which V(s) learns; at the end begin anew."""
        after, reward, done = self.world.step(self.state, action, self.rng)
        delta = reward + (0 if done else self.gamma*self.values[after]) - self.values[self.state]
        self.values[self.state] += self.beta*delta
        self.state, self._now = after, self._now + 1
        if done or self._now == self.world.limit:
            self.steps.append(self._now)
            self.state, self._now = self.world.begin(self.rng), 0
        return float(delta)


def actor_critic(world: World, episodes: int, rng: np.random.Generator, alpha: float = 2.0, beta: float = 0.3,
                 gamma: float = 0.9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the preferences theta (states, actions), the values V (states,) and the steps of each episode."""
    theta, walk = np.zeros(world.follow.shape[:2]), Walk(world, rng, beta, gamma)
    while len(walk.steps) < episodes:
        state = walk.state
        action = int(rng.choice(theta.shape[1], p=softmax(theta[state])))
        _prefer(theta[state], action, alpha*walk.move(action))
    return theta, walk.values, np.array(walk.steps, int)


def _prefer(theta: np.ndarray, action: int, amount: float) -> None:
    """Add amount times the gradient of ln pi(action) to the preferences of one state."""
    theta -= amount*softmax(theta)
    theta[action] += amount
