"""The providers as ASGI applications (`app.py`, read it first) and as a server on sockets (`serve.py`)."""
