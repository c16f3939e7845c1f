"""HTTP: a plan played onto a client's connection, and uvicorn as the providers run it.

Start with `playback.py` (what is sent when) and `connection.py` (waits, writes and cuts).
"""
