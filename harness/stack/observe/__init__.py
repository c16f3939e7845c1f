"""Observability: one row of facts per call, and the health of the targets."""
