"""A profile: the providers and their models, with latencies, prices, limits and accuracy. One TOML file."""

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from .batches.schedule import BatchOptions
from .content.options import Accuracy, ReplyLength
from .exchange.media.media import MediaKind
from .exchange.media.models import media_of
from .exchange.names import ProtocolName
from .exchange.options import Options, Seconds
from .exchange.validation import one_line
from .latency.distributions import Latency
from .latency.pacing import Pace
from .latency.slots import Load
from .limits.header_style import HeaderStyle
from .limits.limits import Limits
from .prices import Prices
from .prompt_cache.cache import PromptCaching

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f]+$")]


_FORMER_NAMES = {"page": "typical"}
_WANTS_COMPLETION_TOKENS = re.compile(r"(o\d|gpt-([5-9]|\d\d))")
"""Source: platform.openai.com/docs/guides/reasoning: `max_tokens` is not supported with reasoning models."""
_REFUSES_PREFILL = re.compile(r"claude-[a-z]+-(4-[6-9]|[5-9])(-|$)")
"""Source: platform.claude.com/docs/en/api/errors#prefill-not-supported."""


class ProfileError(Exception):
    """A profile that cannot be used; one line: file, key and what was expected."""


class Model(Options):
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
    - `media`: the kinds of media that it takes in a prompt, of image, audio, video and document (default: by
      its id, see `exchange.media.models`)
    """

    aliases: Annotated[tuple[Name, ...], Field(strict=False)] = ()
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


class EmbeddingModel(Options):
    """One embedding model, by its canonical id (its key in the file).

    - `latency`: of a whole reply
    - `dimensions`: of its vectors; `max_input_tokens`: of one text (default 8,192)
    - `separability`: 1: paraphrases are close and confusable texts are not; 0: the reverse (default 0.5)
    """

    aliases: Annotated[tuple[Name, ...], Field(strict=False)] = ()
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
        of_models = [(id_, *model.aliases) for id_, model in self.models.items()]
        of_embeddings = [(id_, *model.aliases) for id_, model in self.embeddings.items()]
        for names in (*of_models, *of_embeddings):
            for name in names:
                if name in seen:
                    raise ValueError(f"models: expected every id and alias once, got {name!r} twice")
                seen.add(name)
        return self

    @cached_property
    def _canonical(self) -> Mapping[str, str]:
        return {name: id_ for id_, model in self.models.items() for name in (id_, *model.aliases)}

    @cached_property
    def _canonical_embeddings(self) -> Mapping[str, str]:
        return {name: id_ for id_, model in self.embeddings.items() for name in (id_, *model.aliases)}

    def organization_of(self, key: str) -> str:
        """The organisation that is billed for requests with this key."""
        return next((name for name, keys in self.organizations.items() if key in keys), self.organization)

    def canonical(self, name: str) -> str | None:
        """The canonical id of a model id or alias; None when there is no such model."""
        return self._canonical.get(name)

    def canonical_embedding(self, name: str) -> str | None:
        """The canonical id of an embedding model's id or alias; None when there is no such model."""
        return self._canonical_embeddings.get(name)


class Profile(Options):
    """All providers of one mock.

    - `error_latency_s`: how long a provider takes to refuse (default 20 ms)
    - `reply_length`: of replies to prompts that name no length
    """

    name: Name
    title: str
    error_latency_s: Seconds = 0.02
    reply_length: ReplyLength = ReplyLength()
    providers: Annotated[dict[Name, Provider], Field(min_length=1)]

    @model_validator(mode="after")
    def _admin_is_no_provider(self) -> "Profile":
        if "admin" in self.providers:
            raise ValueError('providers.admin: expected another name, "admin" is the admin API')
        return self


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by name (`typical`), or a user's own by path (`./mine.toml`); raises ProfileError.

    Former names of shipped profiles still work: `page` is `typical`.
    """
    name = _FORMER_NAMES.get(str(name_or_path), str(name_or_path))
    if not name.endswith(".toml"):
        if name not in shipped_profiles():
            known = ", ".join(shipped_profiles())
            raise ProfileError(f"profile {name!r}: expected one of {known}, or a path that ends in .toml")
        return _parse(
            (resources.files(__package__) / "profiles" / f"{name}.toml").read_text("utf-8"), f"{name}.toml"
        )
    try:
        return _parse(Path(name).read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ProfileError(f"{name}: expected a readable profile ({reason})") from None


def shipped_profiles() -> tuple[str, ...]:
    """The names of the profiles that come with the package."""
    files = (resources.files(__package__) / "profiles").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def make_profile(data: Mapping[str, Any], source: str = "profile") -> Profile:
    """Check a profile given as plain data; raises ProfileError that names `source`."""
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        raise ProfileError(f"{source}: {one_line(error)}") from None


def _parse(text: str, source: str) -> Profile:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: expected TOML: {error}") from None
    return make_profile(data, source)
