"""A profile: the providers and their models, with latencies, prices, limits and accuracy. One TOML file."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .batches.schedule import BatchOptions
from .content.options import Accuracy, ReplyLength
from .content.reasoning import Reasoning
from .exchange.media.media import MediaKind
from .exchange.media.models import media_of
from .exchange.names import ProtocolName
from .exchange.options import Options, Seconds
from .latency.distributions import Latency
from .latency.pacing import Pace
from .latency.slots import Load
from .limits.header_style import HeaderStyle
from .limits.limits import Limits
from .prices import Prices
from .prompt_cache.cache import PromptCaching
from .scripts import ScriptedReply

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]
Day = Annotated[date, Field(strict=False)]
Retirements = Literal["ignore", "warn", "enforce"]

_WANTS_COMPLETION_TOKENS = re.compile(r"(o\d|gpt-([5-9]|\d\d))")
"""Source: platform.openai.com/docs/guides/reasoning: `max_tokens` is not supported with reasoning models."""
_REFUSES_PREFILL = re.compile(r"claude-[a-z]+-(4-[6-9]|[5-9])(-|$)")
"""Source: platform.claude.com/docs/en/api/errors#prefill-not-supported."""


class Named(Options):
    """The names of a model beside its canonical id (its key in the file), and their end.

    - `aliases`: other names of it
    - `snapshot`: the name that replies give when the request names the canonical id, such as
      `gpt-4o-2024-08-06` for `gpt-4o`; it is an alias, too (default: the canonical id)
    - `retires`: the day (UTC) on which the provider retires it (default: none announced)
    """

    aliases: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    snapshot: Name | None = None
    retires: Day | None = None

    def names(self, id_: str) -> tuple[str, ...]:
        """All names of the model with this canonical id, that one first."""
        names = (id_, *self.aliases)
        return names if self.snapshot is None or self.snapshot in names else (*names, self.snapshot)

    @property
    def retires_s(self) -> float | None:
        """The Unix time of its retirement."""
        if self.retires is None:
            return None
        return datetime(self.retires.year, self.retires.month, self.retires.day, tzinfo=UTC).timestamp()


class Model(Named):
    """One model of a provider, by its canonical id (its key in the file).

    - `ttft`: time to the first token, apart from queueing and prefill
    - `prefill_s_per_token`: added to it for each prompt token that is not cached (default 0)
    - `limits`: per API key; `organization_limits`: for all keys of an organisation together
    - `prompt_cache`: default none
    - `tier_downgrade_share`: of the requests for another service tier than the standard one, how many are
      served, named and billed as standard (default 0)
    - `load`: slots and queue; default: load changes nothing
    - `max_tokens`: whether it takes OpenAI's older name of `max_completion_tokens` (default: all but GPT-5,
      o1 and their successors, by their ids)
    - `prefill`: whether it continues an assistant message (default: all but Claude 4.6 and its successors)
    - `reasoning`: how it reasons before it answers (default: when asked, if its id is a reasoning model's)
    - `media`: the kinds of media that it takes in a prompt, of image, audio, video and document (default: by
      its id, see `exchange.media.models`)
    """

    tier: Literal["fast", "balanced", "powerful"]
    price: Prices
    ttft: Latency
    pace: Pace
    accuracy: Accuracy
    prefill_s_per_token: Seconds = 0.0
    limits: Limits = Limits()
    organization_limits: Limits | None = None
    prompt_cache: PromptCaching | None = None
    tier_downgrade_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    load: Load | None = None
    context_window: Annotated[int, Field(gt=0)]
    max_output_tokens: Annotated[int, Field(gt=0)]
    max_tokens: bool | None = None
    prefill: bool | None = None
    reasoning: Reasoning | None = None
    media: Annotated[tuple[MediaKind, ...] | None, Field(strict=False)] = None

    def takes_max_tokens(self, id_: str) -> bool:
        """Whether a request to this model, by the canonical id, may say `max_tokens`."""
        return not _WANTS_COMPLETION_TOKENS.match(id_) if self.max_tokens is None else self.max_tokens

    def takes_prefill(self, id_: str) -> bool:
        """Whether a request to this model, by the canonical id, may end with an assistant message."""
        return not _REFUSES_PREFILL.match(id_) if self.prefill is None else self.prefill

    def takes_media(self, id_: str) -> tuple[MediaKind, ...]:
        """The kinds of media that this model, by the canonical id, takes."""
        return media_of(id_) if self.media is None else self.media


class EmbeddingModel(Named):
    """One embedding model, by its canonical id (its key in the file).

    - `latency`: of a whole reply
    - `dimensions`: of its vectors; `max_input_tokens`: of one text (default 8,192)
    - `separability`: 1: paraphrases are close and confusable texts are not; 0: the reverse (default 0.5)
    """

    price: Prices
    latency: Latency
    dimensions: Annotated[int, Field(gt=0, le=8192)]
    separability: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_input_tokens: Annotated[int, Field(gt=0)] = 8192
    limits: Limits = Limits()


class Provider(Options):
    """One provider.

    - `protocol`: the wire protocol it speaks
    - `server`: whose errors it sends, in words and shape: the protocol's "own" (default), or "vllm" (OpenAI's
      protocol only)
    - `keys`: the API keys it accepts; empty (default): any key that is not empty
    - `organizations`: keys of other organisations than `organization`, by organisation
    - `header_style`: the rate limit headers it sends
    - `batch`: timing and failures of its batches
    - `obfuscation`: whether streamed chunks carry padding, as OpenAI's do
    """

    protocol: ProtocolName
    server: Literal["own", "vllm"] = "own"
    organization: Name = "org-brownout"
    region: Name = "us"
    keys: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    organizations: dict[Name, Annotated[tuple[Name, ...], Field(strict=False)]] = Field(default_factory=dict)
    header_style: HeaderStyle = HeaderStyle()
    batch: BatchOptions = BatchOptions()
    obfuscation: bool = False
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    embeddings: dict[Name, EmbeddingModel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _vllm_speaks_openai(self) -> "Provider":
        if self.server == "vllm" and self.protocol != "openai":
            raise ValueError('server: expected "own", vLLM speaks OpenAI\'s protocol')
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> "Provider":
        seen: set[str] = set()
        of_models = [model.names(id_) for id_, model in self.models.items()]
        of_embeddings = [model.names(id_) for id_, model in self.embeddings.items()]
        for names in (*of_models, *of_embeddings):
            for name in names:
                if name in seen:
                    raise ValueError(f"models: expected every id and alias once, got {name!r} twice")
                seen.add(name)
        return self

    @cached_property
    def _canonical(self) -> Mapping[str, str]:
        return {name: id_ for id_, model in self.models.items() for name in model.names(id_)}

    @cached_property
    def _canonical_embeddings(self) -> Mapping[str, str]:
        return {name: id_ for id_, model in self.embeddings.items() for name in model.names(id_)}

    def organization_of(self, key: str) -> str:
        """The organisation that is billed for requests with this key."""
        return next((name for name, keys in self.organizations.items() if key in keys), self.organization)

    def canonical(self, name: str) -> str | None:
        """The canonical id of a model id or alias; None when there is no such model.

        Gemini's API takes a name with `models/` in front of it, too.
        """
        return self._canonical.get(self.bare(name))

    def canonical_embedding(self, name: str) -> str | None:
        """The canonical id of an embedding model's id or alias; None when there is no such model."""
        return self._canonical_embeddings.get(self.bare(name))

    def bare(self, name: str) -> str:
        """A model's name without the resource prefix of Gemini's API."""
        return name.removeprefix("models/") if self.protocol == "gemini" else name


class Profile(Options):
    """All providers of one mock.

    - `error_latency_s`: how long a provider takes to refuse (default 20 ms)
    - `reply_length`: of replies to prompts that name no length
    - `any_model`: whether a model name that a provider does not know is answered by its nearest model (see
      `model_names.py`) instead of a 404 (default false)
    - `retirements`: of models with a day of retirement: "warn" (default) announces it in headers, "enforce"
      also refuses the model from that day on, "ignore" does neither
    - `script`: replies to requests that match, before all others (default: none)
    """

    name: Name
    title: str
    error_latency_s: Seconds = 0.02
    reply_length: ReplyLength = ReplyLength()
    any_model: bool = False
    retirements: Retirements = "warn"
    script: Annotated[tuple[ScriptedReply, ...], Field(strict=False)] = ()
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]

    @model_validator(mode="after")
    def _admin_is_no_provider(self) -> "Profile":
        if "admin" in self.providers:
            raise ValueError('providers.admin: expected another name, "admin" is the admin API')
        return self
