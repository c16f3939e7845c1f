"""`POST /v1/responses/compact`: generated and billed like a response, and not stored."""

from ...wire.openai.errors import OpenAIErrors
from ...wire.responses.compaction import CompactionCodec
from ..decision import Decision, Exchange
from ..generation import Generation
from ..provider_context import ProviderContext
from .create import known_to


class Compact:
    """Compacts conversations; `errors`: those of the Responses API."""

    name = "responses"

    def __init__(self, errors: OpenAIErrors) -> None:
        self._codec = CompactionCodec(errors)
        self._generation = Generation(self.name, self._codec, errors)

    def decide(self, context: ProviderContext, exchange: Exchange) -> Decision:
        """Reply or refuse; raises Refused for a request that cannot be parsed."""
        request = self._codec.read(exchange.received, known_to(context, exchange.instant.now))
        return self._generation.reply_to(context, exchange, request)
