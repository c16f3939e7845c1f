"""The innermost step of an attempt: endpoints, the HTTP transport, and sending a request."""
