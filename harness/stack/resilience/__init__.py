"""Layers that act after a failure: retry and backoff, the retry budget, hedging, fallback, continuation."""
