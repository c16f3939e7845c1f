"""The last step of an attempt: endpoints, the HTTP transport, and the send itself."""
