"""Rules by which layered networks of rates learn, as mathematics on arrays; the estimators are in `learning.learners`.

    layers                 weights and biases that an optimiser moves
    feedforward            the forward pass of a multilayer perceptron, its losses, and changes made of deltas
    feedback_alignment     deltas by transposed, fixed random, and direct fixed random feedback
    energy                 networks with symmetric weights that settle into a minimum of an energy
    equilibrium            equilibrium propagation in them, and the exact gradient it tends to
    contrastive_hebbian    contrastive Hebbian learning in them
    target_propagation     difference target propagation
    margin                 the perceptron; the widest margin (support vector machine) by its dual problem
    subspace               principal components, Sanger's rule
    superspike             layers of spiking neurons that learn to fire at given times
    reinforcement          small worlds; value iteration, Q-learning, SARSA, REINFORCE, actor-critic

Samples lie in rows; weights are (n_in, n_out); what a rule returns is minus a gradient, or stands for it: a change to be added.
"""
