"""The stack's vocabulary: calls, replies, errors, facts, options. Imports no other room of the stack."""
