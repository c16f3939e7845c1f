"""HTTP as ASGI: bodies and responses, paths, origins, hang-ups, signs of life."""
