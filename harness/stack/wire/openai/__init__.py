"""OpenAI's Chat Completions API: requests written, replies read."""
