"""One provider: the bytes of a request in, a decision about it out. No clock, no sockets."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from .answers import Catalogue
from .behaviour import Setting, plan_reply
from .draws import Draws
from .faults.base import FaultBase, Scene
from .ledger import Asked
from .plan import Plan, refusal
from .profile import Prices, Profile
from .request import Problem, Refused, Request, digest_of_bytes
from .state import ProviderState
from .wire import dialect_of
from .wire.dialect import HeadersIn, HeadersOut, Stamp

_MODELS = "/v1/models"
_LONGEST_ATTEMPT_ID = 256


class Moment(NamedTuple):
    """One instant on three clocks: the loop's, seconds since t = 0, and Unix time."""

    now: float
    t_s: float
    wall_s: float


class Answer(NamedTuple):
    """A whole HTTP response, JSON."""

    status: int
    headers: HeadersOut
    body: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """What is going to happen to one request: `request` is None when it was refused unread."""

    asked: Asked
    plan: Plan
    stamp: Stamp
    request: Request | None = None
    price: Prices | None = None

    @property
    def admitted(self) -> bool:
        """Whether the rate limiter let it in."""
        return self.price is not None


class Service:
    """One provider of a profile since the last reset."""

    def __init__(self, name: str, profile: Profile, catalogue: Catalogue, draws: Draws) -> None:
        self.name = name
        self.profile = profile.providers[name]
        self.dialect = dialect_of(self.profile)
        self._reply_length = profile.reply_length
        self._scene = Scene(self.dialect.errors, profile.error_latency_s)
        self._catalogue = catalogue
        self._draws = draws
        self._state = ProviderState()

    def arrival(self, headers: HeadersIn) -> Asked:
        """A request of which only the headers are known."""
        attempt_id = headers.get(b"x-client-request-id", b"").decode("latin-1")[:_LONGEST_ATTEMPT_ID]
        number = self._state.next_number()
        return Asked(
            provider=self.name,
            endpoint=self.dialect.endpoint,
            region=self.profile.region,
            attempt_id=attempt_id or None,
            request_id=f"req_{number:08x}{_digits(self.name, number)}",
            key_id=_key_id(self.dialect.api_key(headers)),
        )

    def key_problem(self, headers: HeadersIn) -> Problem | None:
        """What is wrong with the client's API key."""
        key = self.dialect.api_key(headers)
        if not key:
            return self.dialect.errors.no_key()
        if self.profile.keys and key not in self.profile.keys:
            return self.dialect.errors.wrong_key(key)
        return None

    def refuse(self, asked: Asked, problem: Problem, moment: Moment) -> Decision:
        """The decision to answer with `problem`."""
        plan = refusal(problem, self._scene.error_latency_s)
        return Decision(asked, plan, Stamp(asked.request_id, asked.model, moment.wall_s))

    def decide(
        self, asked: Asked, headers: HeadersIn, body: bytes, faults: Sequence[FaultBase], moment: Moment
    ) -> Decision:
        """What happens to a request that was read at `moment`."""
        try:
            if problem := self.key_problem(headers):
                raise Refused(problem)
            request = self.dialect.parse(body, headers)
        except Refused as refused:
            asked = replace(asked, prompt_digest=digest_of_bytes(body))
            return self.refuse(asked, refused.problem, moment)
        model_id = self.profile.canonical(request.model)
        asked = replace(
            asked, model=model_id or request.model, stream=request.stream, prompt_digest=request.digest
        )
        if model_id is None:
            return self.refuse(asked, self.dialect.errors.unknown_model(request.model), moment)
        if problem := self._misfit(request, model_id):
            return self.refuse(asked, problem, moment)
        return self._admitted(asked, request, faults, moment)

    def settle(self, decision: Decision, output_tokens: int, now: float) -> None:
        """The request of `decision` has ended after `output_tokens` were sent."""
        if decision.request is not None and decision.admitted:
            asked = decision.asked
            self._state.settle(asked.key_id, asked.model, decision.request, output_tokens, now)

    def look_up(self, method: str, path: str, headers: HeadersIn, moment: Moment) -> Answer:
        """Answer what is no request for a reply: the models, one model, or that there is no such thing."""
        errors = self.dialect.errors
        if path == self.dialect.path or (path.startswith(_MODELS) and method != "GET"):
            return self._refusal(errors.wrong_method(method, path), headers, moment)
        if not path.startswith(_MODELS):
            return self._refusal(errors.unknown_path(method, path), headers, moment)
        if problem := self.key_problem(headers):
            return self._refusal(problem, headers, moment)
        if not (name := path.removeprefix(_MODELS).strip("/")):
            return Answer(200, [], self.dialect.models_body(moment.wall_s))
        model_id = self.profile.canonical(name)
        if model_id is None:
            return self._refusal(errors.unknown_model(name), headers, moment)
        return Answer(200, [], self.dialect.model_body(model_id, moment.wall_s))

    def _refusal(self, problem: Problem, headers: HeadersIn, moment: Moment) -> Answer:
        decision = self.refuse(self.arrival(headers), problem, moment)
        body = self.dialect.error_body(problem, decision.asked.request_id)
        return Answer(problem.status, self.dialect.headers(decision.stamp, decision.plan), body)

    def _misfit(self, request: Request, model_id: str) -> Problem | None:
        model, errors = self.profile.models[model_id], self.dialect.errors
        max_tokens = request.max_tokens or 0
        if max_tokens > model.max_output_tokens:
            return errors.max_tokens_too_large(max_tokens, model.max_output_tokens, model_id)
        if request.input_tokens + max(max_tokens, 1) > model.context_window:
            return errors.prompt_too_long(request.input_tokens, max_tokens, model.context_window)
        return None

    def _admitted(
        self, asked: Asked, request: Request, faults: Sequence[FaultBase], moment: Moment
    ) -> Decision:
        model_id = asked.model
        model = self.profile.models[model_id]
        admission = self._state.admit(asked.key_id, model_id, model.limits, request, moment.now)
        setting = Setting(
            self.name, model_id, model, self._reply_length, self._catalogue, faults, self._scene
        )
        plan = plan_reply(setting, request, admission, self._draws, moment.t_s)
        price = model.price if admission.verdict.refused_by is None else None
        return Decision(asked, plan, Stamp(asked.request_id, model_id, moment.wall_s), request, price)


@lru_cache(maxsize=4096)
def _key_id(key: str) -> str:
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:6]}" if key else ""


def _digits(name: str, number: int) -> str:
    return hashlib.blake2b(f"{name}/{number}".encode(), digest_size=8).hexdigest()
