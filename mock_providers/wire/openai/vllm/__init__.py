"""vLLM behind OpenAI's protocol: its errors, parameters, own endpoints and token ids."""
