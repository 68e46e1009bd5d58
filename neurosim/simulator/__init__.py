"""Floor 4: populations, stimuli, networks, runs and their results."""
