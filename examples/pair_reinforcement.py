"""Q-learning, SARSA, REINFORCE and actor-critic, and their neural twin: STDP that waits for dopamine.

All look for the way through a grid. In the twin a neuron for each place excites four for the directions; these silence each
other, noise makes them try, and the one that fires most is obeyed. Synapses keep traces of pairs of spikes. Dopamine, the error
r + gamma V(s') - V(s) of a critic, turns traces into weight (as in Fremaux et al. 2013, doi:10.1371/journal.pcbi.1003024).
"""

import sys

import numpy as np

import neurosim as ns
from neurosim.learning.rules import reinforcement as rl

world, episodes = rl.grid_world(["S...", "..#.", ".#..", "...G"]), 50
model = ns.NeuronModel.from_equations(
    "dv/dt = (i - v)/5 (unless refractory)\ndr/dt = -r/40\nddopamine/dt = (error - dopamine)/5", threshold="v > 1",
    reset="v = 0; r += 1", refractory=2, inputs=["i", "error"], name="cell")
places, actions = ns.Population(16, model, name="places"), ns.Population(4, model, name="actions")
links = [ns.Projection(places, actions, ns.AllToAll(), ns.Exponential(0.5, tau_syn=10, input="i"),
                       plasticity=ns.RewardSTDP(a_minus=0, tau_c=50, tau_w=25, w_max=1)),
         ns.Projection(actions, actions, ns.AllToAll(autapses=False), ns.Delta(-1.0, variable="v"))]


def spiking(seed):
    walk = rl.Walk(world, rng := np.random.default_rng(seed))
    # a move each 100 ms, then 20 ms of dopamine in the dark, then the place is seen
    dopamine = lambda t, r: walk.move(np.argmax(r[0] + 1e-6*rng.random(4))) if t > 1 and t % 100 < 1 else 0.0
    seen = lambda t, _: 3.0*(np.arange(16) == walk.state)*(t % 100 > 1)
    stimuli = [ns.Callback(dopamine, every=20, reads=[(actions, "r")], target=actions, input="error"),
               ns.Callback(seen, every=20, target=places, input="i"),
               ns.OrnsteinUhlenbeck(mean=0.8, sigma=0.3, tau=30, target=actions, input="i")]
    ns.simulate(ns.Network([places, actions], links, stimuli, record_spikes=False), 110_000, dt=1.0, seed=seed)
    return walk.steps[:episodes]


fig, axes = ns.plot.figure(width=5, height=2.8)
methods = {"Q-learning": rl.q_learning, "SARSA": rl.sarsa, "REINFORCE": rl.reinforce, "actor-critic": rl.actor_critic}
for name, learn in methods.items():
    courses = [learn(world, episodes, np.random.default_rng(k))[-1] for k in range(10)]
    axes[0, 0].plot(np.arange(episodes) + 1, np.mean(courses, axis=0), lw=0.9, label=name)
axes[0, 0].plot(np.arange(episodes) + 1, np.mean([spiking(seed) for seed in range(3)], axis=0), "k", label="STDP and dopamine")
axes[0, 0].set(xlabel="Episode", ylabel="Steps to the goal", ylim=(0, None))
axes[0, 0].legend(frameon=False, fontsize=7)
ns.plot.save(fig, sys.argv[1] if len(sys.argv) > 1 else "pair_reinforcement.png")
