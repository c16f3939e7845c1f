"""Text embedders: hashed n-grams, a provider's embeddings API, MiniLM."""
