"""A target: one provider's model that a call can be sent to."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from .media.media import MediaKind


@dataclass(frozen=True, slots=True)
class Target:
    """One provider's model that a call can be sent to.

    `max_output_tokens` and `context_tokens` are the model's limits: prompts are adapted to them. `prefill`:
    the model goes on from a last message of the assistant; `tools`, `json`: it can call tools, reply in JSON.
    `media`: the kinds of media that it takes.
    `region` is where it answers, "" when unknown; `tier` is its place among models for a router, "" for none.
    `service_tier` is the provider's tier to ask for ("flex", "priority"), "" to ask for none. `unsupported`:
    a setting that shapes the answer and that the target does not understand makes it unsuitable ("refuse"),
    or is left out ("drop").
    """

    name: str
    provider: str
    model: str
    timeout_s: float = inf
    max_output_tokens: int = 4096
    context_tokens: int = 128_000
    prefill: bool = True
    tools: bool = True
    json: bool = True
    media: tuple[MediaKind, ...] = ("image", "document")
    region: str = ""
    tier: str = ""
    service_tier: str = ""
    unsupported: Literal["refuse", "drop"] = "refuse"
