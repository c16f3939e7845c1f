"""Shorter prompts: trimmed, fitted to the context window, summarised, asked to be concise."""
