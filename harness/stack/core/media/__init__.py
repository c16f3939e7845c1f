"""Images, recordings and files within a message."""
