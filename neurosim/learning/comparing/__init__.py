"""Learners side by side: data, learners, protocol, measures, statistics and the result of `neurosim.learning.compare`."""
