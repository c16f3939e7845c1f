"""One provider without clock and sockets: a request in, a decision about it out."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from ..batches.store import Settlement
from ..content.questions import Catalogue
from ..endpoints import PROTOCOLS, Decision, Exchange, ProviderContext, Routes
from ..endpoints.responses.create import Responses, settle_background
from ..endpoints.routes.vllm import SERVER
from ..exchange.draws import Draws
from ..exchange.keys import key_id
from ..exchange.received import Instant, Received
from ..exchange.request import Problem, Refused, digest_of_bytes
from ..exchange.request_info import RequestInfo
from ..faults.base import FaultBase
from ..ledger.entry import Entry
from ..profile import Profile
from ..scripts import Script
from ..wire.responses.output import response_id

_LONGEST_ATTEMPT_ID = 256


class Service:
    """One provider of a profile, since the last reset."""

    def __init__(self, name: str, profile: Profile, catalogue: Catalogue, draws: Draws) -> None:
        provider = profile.providers[name]
        protocol = PROTOCOLS[provider.protocol]
        self.dialect = protocol.dialect(provider)
        self._context = ProviderContext(name, profile, self.dialect, catalogue, draws)
        self._routes = Routes(protocol.routes(provider), protocol.prefixes)
        self._numbers = count()
        self._counts = provider.server == "vllm"

    def arrival(self, received: Received) -> RequestInfo:
        """Number and identify a request whose headers have arrived."""
        context = self._context
        found = self._routes.find(received.method, received.path)
        attempt_id = received.header(b"x-client-request-id")[:_LONGEST_ATTEMPT_ID]
        number = next(self._numbers)
        return RequestInfo(
            provider=context.name,
            endpoint=found[0].name if found else "",
            region=context.provider.region,
            attempt_id=attempt_id or None,
            request_id=f"req_{number:08x}{_digits(context.name, number)}",
            key_id=key_id(self.dialect.api_key(received)),
        )

    def refuse(self, info: RequestInfo, problem: Problem, instant: Instant) -> Decision:
        """The decision to answer with `problem`."""
        return self._context.refuse(info, problem, instant)

    def decide(
        self, info: RequestInfo, received: Received, faults: Sequence[FaultBase], instant: Instant
    ) -> Decision:
        """Decide about a request that was read at `instant`."""
        try:
            found = self._routes.find(received.method, received.path)
            if found is None:
                raise Refused(self._route_problem(received))
            endpoint, params = found
            if endpoint.name != SERVER and (problem := self._key_problem(received)):
                raise Refused(problem)
            return self._counted(
                endpoint.decide(self._context, Exchange(info, received, params, instant, faults))
            )
        except Refused as refused:
            info = replace(info, prompt_digest=digest_of_bytes(received.body))
            return self.refuse(info, refused.problem, instant)

    def _counted(self, decision: Decision) -> Decision:
        """The decision, counted in the server's metrics if it is a reply."""
        if self._counts and decision.admission is not None:
            self._context.metrics.of(decision.info.model).begin(decision.plan)
        return decision

    def forget_faults(self) -> None:
        """Restart the request counts of the fault schedule."""
        self._context.state.fault_counts.clear()

    def play(self, script: Script) -> None:
        """Answer by this script from now on."""
        self._context.script = script
        self._context.state.script_counts.clear()

    def settle(self, decision: Decision, output_tokens: int, now: float) -> None:
        """Settle limits and slots of a request that ended after `output_tokens` were sent."""
        if decision.admission is not None:
            self._context.state.settle(decision.info.model, decision.admission, output_tokens, now)
            if self._counts:
                self._context.metrics.of(decision.info.model).end(decision.plan, output_tokens)
        if decision.info.endpoint == Responses.name:
            self._context.responses.ended(response_id(decision.stamp), output_tokens, now)

    def settle_batches(self, faults: Sequence[FaultBase], instant: Instant) -> list[Entry]:
        """Answer the batch items due by `instant`, end the background responses; their ledger entries."""
        entries = self._context.batches.settle(Settlement(instant, faults))
        if self._context.responses.next_due <= instant.now:
            entries += settle_background(self._context, instant.now)
        return entries

    def _key_problem(self, received: Received) -> Problem | None:
        key, keys = self.dialect.api_key(received), self._context.provider.keys
        if not key and (keys or not self._counts):  # vLLM wants a key only if it was started with one
            return self.dialect.errors.no_key()
        if keys and key not in keys:
            return self.dialect.errors.wrong_key(key)
        return None

    def _route_problem(self, received: Received) -> Problem:
        errors, method, path = self.dialect.errors, received.method, received.path
        if self._routes.has_path(path):
            return errors.wrong_method(method, path)
        return errors.unknown_path(method, path)


def _digits(name: str, number: int) -> str:
    return hashlib.blake2b(f"{name}/{number}".encode(), digest_size=8).hexdigest()
