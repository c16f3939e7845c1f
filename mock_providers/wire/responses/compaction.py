"""`POST /v1/responses/compact`: a conversation becomes its user messages and one opaque item.

Sources: `ResponseCompactParams` and `CompactedResponse` of the openai SDK;
developers.openai.com/api/docs/guides/compaction. The opaque item, sent back as input, is a summary of as many
tokens as the model wrote.
"""

from dataclasses import replace
from functools import partial

import orjson

from ...exchange.received import Received
from ...exchange.request import Request, digest_of_bytes
from ...plan import Plan
from ..dialect import Frames, Params, Stamp, parse_json
from ..edit import Edits
from ..fields import Fields, names
from ..openai.errors import OpenAIErrors
from .codec import NOTHING_KNOWN
from .items import item_id, stored_items
from .output import response_id
from .reply import usage_of
from .request import Known, ResponseRequest, read_request
from .sealed import sealed

_PARAMETERS = names(
    """
    image input instructions model previous_response_id prompt_cache_key prompt_cache_options
    prompt_cache_retention service_tier
    """
)


class CompactionCodec:
    """The codec of one provider's compactions; they are not streamed."""

    edits: Edits = {}  # noqa: RUF012  # of the type Mapping, never changed

    def __init__(self, errors: OpenAIErrors) -> None:
        self._errors = errors

    def parse(self, received: Received, params: Params) -> ResponseRequest:
        """Read a request that refers to nothing stored; raises Refused."""
        return self.read(received, NOTHING_KNOWN)

    def read(self, received: Received, known: Known) -> ResponseRequest:
        """Read a request that may refer to what is `known`; raises Refused."""
        return parse_json(received.body, partial(_read, known=known), self._errors)

    def body(self, request: Request, plan: Plan, stamp: Stamp) -> bytes:
        """The JSON of the compacted conversation."""
        assert isinstance(request, ResponseRequest)
        own = response_id(stamp)
        users = [item for item in (*request.context, *request.items) if item.get("role") == "user"]
        content = sealed(plan.text)
        summary = {"id": item_id("compaction", own, 0), "type": "compaction", "encrypted_content": content}
        return orjson.dumps(
            {
                "id": own,
                "object": "response.compaction",
                "created_at": int(stamp.wall_s),
                "output": [*stored_items(users, own), summary],
                "usage": usage_of(plan),
            }
        )

    def frames(self, request: Request, plan: Plan, stamp: Stamp) -> Frames:
        """Raises TypeError."""
        raise TypeError("a compaction is not streamed")


def _read(body: object, known: Known) -> ResponseRequest:
    Fields(body).only(_PARAMETERS)
    request = read_request(body, known, obfuscation=False)
    return replace(request, store=False, digest=digest_of_bytes(f"compact/{request.digest}".encode()))
