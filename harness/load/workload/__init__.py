"""What calls ask: questions, sessions, lengths, prompts."""
