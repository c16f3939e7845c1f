"""OpenAI's protocol: chat completions, embeddings, files, batches. Read `codec.py` first."""
