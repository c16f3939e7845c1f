"""The last steps of an attempt: deadlines, the send itself, endpoints, the HTTP transport."""
