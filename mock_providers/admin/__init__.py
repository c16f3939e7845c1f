"""The admin API under `/_mock/` (`api.py`, read it first) and its live page (`live.html`)."""
