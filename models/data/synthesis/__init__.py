"""Speech synthesisers that say exactly when each phone sounds: one module per program, all with `speak`."""
