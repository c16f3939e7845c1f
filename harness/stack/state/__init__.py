"""State of the mechanisms: a key-value backend, token buckets, sliding windows, quantiles."""
