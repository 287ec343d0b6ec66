"""A list of shots, worked off: restartable, on one machine or on a farm; see `run.py` for the way through."""
