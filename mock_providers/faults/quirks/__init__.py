"""Faults that break nothing: replies as odd as real providers and proxies send them. One module each."""
