"""The content of replies: answers, prose, JSON, tool calls, embeddings."""
