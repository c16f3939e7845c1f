"""Anthropic's Messages API: requests written, replies read."""
