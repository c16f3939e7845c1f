"""Anthropic's messages beyond one request and one reply: threads that the provider keeps, files."""
