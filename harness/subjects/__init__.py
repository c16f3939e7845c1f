"""What is measured, as something a driver can ask: a stack, a stack behind its gateway, any Python client."""
