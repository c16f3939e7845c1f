"""Subjects as functions that the driver calls: a stack, a stack behind its gateway, a Python client."""
