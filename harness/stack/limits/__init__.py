"""Client-side rate limits: reserve, queue, settle; adaptive concurrency; rotation of API keys."""
