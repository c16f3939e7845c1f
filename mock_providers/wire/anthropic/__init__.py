"""Anthropic's protocol: messages, token counts, message batches. Read `codec.py` first."""
