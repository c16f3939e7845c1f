"""The description of a run: scenario and subject files read and checked."""
