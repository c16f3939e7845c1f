"""An OpenAI-compatible HTTP server in front of a stack."""
