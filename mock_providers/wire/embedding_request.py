"""A parsed request for embeddings, the same for every protocol."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed.

    - `texts`: one received as token ids becomes these ids, separated by spaces
    - `counts`: tokens of each text
    - `dimensions`: of the vectors; None: the model's
    - `as_base64`: whether the vectors are wanted as base64 (OpenAI only)
    """

    model: str
    texts: tuple[str, ...]
    counts: tuple[int, ...]
    digest: str
    dimensions: int | None
    as_base64: bool = False
