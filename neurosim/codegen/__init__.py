"""Floor 3: from equations to one readable, compiled source file."""
