"""The top layer: the only one that reads the environment, the clock and randomness, and that builds the others."""
