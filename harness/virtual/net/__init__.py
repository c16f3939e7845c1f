"""The in-memory network of a virtual loop: names, listeners, connections, transports."""
