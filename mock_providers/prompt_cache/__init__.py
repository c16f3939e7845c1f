"""Provider-side prompt caching: prefixes, entries, expiry."""
