"""State that mechanisms share: a backend of key-value pairs, token buckets, sliding windows, quantiles."""
