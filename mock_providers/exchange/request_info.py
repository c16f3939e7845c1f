"""The facts of a request that are known before anything is sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Provider, endpoint, key and model of a request: the ledger columns known before a byte is sent."""

    provider: str
    endpoint: str
    region: str
    attempt_id: str | None
    request_id: str
    key_id: str = ""
    model: str = ""
    stream: bool = False
    prompt_digest: str = ""
    batch_id: str | None = None
