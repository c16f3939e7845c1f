"""The load of a run: when calls start, what they ask, and how they are sent."""
