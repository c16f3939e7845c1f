"""Prompts before they are sent: shortened, fitted to the context window, kept cacheable."""
