"""Distributions of time to first token and pace, and the slots of a loaded server."""
