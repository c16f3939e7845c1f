"""ASGI types, playback of a plan onto a connection, and uvicorn as the providers run it."""
