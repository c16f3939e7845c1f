"""The providers as an ASGI application, and as a server on sockets."""
