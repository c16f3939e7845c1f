"""Exact cache, single-flight and, in `semantic/`, the semantic cache."""
