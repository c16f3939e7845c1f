"""The admin API under `/_mock/` and its live page."""
