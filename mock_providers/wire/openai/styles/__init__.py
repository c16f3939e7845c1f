"""Beside the usual replies: log probabilities, other kinds of tools, legacy completions."""
