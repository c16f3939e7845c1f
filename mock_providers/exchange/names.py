"""The names that users write for wire protocols and endpoints."""

from typing import Literal

ProtocolName = Literal["openai", "anthropic", "together", "gemini"]
"""`protocol` of a provider in a profile."""

EndpointName = Literal[
    "chat.completions",
    "completions",
    "responses",
    "stored_responses",
    "messages",
    "generate_content",
    "embeddings",
    "count_tokens",
    "models",
    "files",
    "batches",
    "server",
]
"""`endpoint` of a fault and of a ledger row."""
