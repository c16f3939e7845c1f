"""One row of the ledger: the provider's own record of a request, written once, when the request has ended.

Money is integer nano-dollars. `*_s` are seconds since t = 0.
"""

from dataclasses import dataclass
from typing import Literal

Ended = Literal["complete", "error", "client_closed", "reset", "hung", "stalled", "truncated"]


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One request to an API endpoint.

    - `attempt_id`: the client's `x-client-request-id`; in a batch, its `custom_id`
    - `key_id`: "key-" + 6 hex digits of the API key's SHA-256, "" without a key
    - `model`: the canonical id, or the requested name when there is no such model
    - `status`: the HTTP status sent, 0 when none was; `error`: the provider's error code, else its type
    - `fault`: the kind of the fault that replaced or changed the reply
    - `ended`: complete, error (a refusal or an error inside a reply), client_closed, reset (by the provider),
      hung (no headers), stalled (silent in the middle), truncated (a clean end too early)
    - `batch_id`: the batch that the request was an item of
    - `input_tokens`: all of the prompt, including tokens read from the prompt cache (`cached_input_tokens`)
      and written to it (`cache_write_tokens`)
    - `output_tokens`: sent; `planned_output_tokens`: of the whole reply; a JSON reply has one chunk per block
    - `cost_nusd`: of the input and the tokens sent, at the service tier that the reply names (a batch: half),
      rounded up; refusals and hangs are free and count no tokens
    - `queued_s`: the wait for a free slot of the model
    - `first_*`, `last_*`: of the content chunks (the first that is no reasoning): planned, and written to the
      socket
    """

    attempt_id: str | None
    request_id: str
    provider: str
    model: str
    endpoint: str
    key_id: str
    region: str
    stream: bool
    batch_id: str | None
    received_s: float
    queued_s: float
    status: int
    error: str | None
    fault: str | None
    ended: Ended
    input_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int
    planned_output_tokens: int
    cost_nusd: int
    first_scheduled_s: float | None
    first_sent_s: float | None
    last_scheduled_s: float | None
    last_sent_s: float | None
    chunks_planned: int
    chunks_sent: int
    answer: str | None
    prompt_digest: str
