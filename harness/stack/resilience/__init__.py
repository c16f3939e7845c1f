"""Retry, hedge, breaker, fallback, continuation, deadlines, load shedding: one concern per file."""
