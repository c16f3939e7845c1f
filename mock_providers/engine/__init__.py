"""The decision about a request: provider state in, a `Plan` out. No clock, no sockets."""
