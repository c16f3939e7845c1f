"""The content of calls: questions, sessions, lengths, prompts."""
