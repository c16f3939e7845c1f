"""Routes of protocols that have many of them, one module each."""
