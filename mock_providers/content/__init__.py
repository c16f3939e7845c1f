"""What a reply says: answers, prose, JSON, tool calls, embeddings."""
