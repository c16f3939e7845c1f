"""Images, audio, video and documents in a prompt: their sizes, and their tokens by each provider's rule."""
