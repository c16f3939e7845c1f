"""The options of a whole stack: the tables of its TOML file."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from ..admission.api_keys import ApiKeysOptions
from ..admission.breaker import BreakerOptions
from ..admission.limiter import LimiterOptions
from ..admission.load_shedding import LoadSheddingOptions
from ..batch.options import BatchOptions
from ..caching.exact import CacheOptions
from ..caching.semantic.layer import SemanticCacheOptions
from ..config.options import Options, first_complaint
from ..core.errors import ConfigError
from ..core.media.media import MediaKind
from ..core.media.models import media_of
from ..core.target import Target
from ..core.tokens import counter_named
from ..money.budget import BudgetOptions
from ..money.price import Price
from ..money.price_list import CostOptions, prices_of
from ..prompt.layer import PromptOptions
from ..prompt_cache.layer import PromptCacheOptions
from ..resilience.fallback import FallbackOptions
from ..resilience.hedge import HedgeOptions
from ..resilience.retry import RetryOptions
from ..resilience.retry_budget import RetryBudgetOptions
from ..routing.options import RouteOptions
from ..upstream.deadlines import DeadlineOptions
from ..upstream.endpoint import ProviderName
from .base import NamedStacks, Origin, flattened, read_tables
from .providers import BATCHES


class TargetOptions(Options):
    """One entry of the chain. `timeout_s` 10 to the first token; `name` is the provider's unless given.

    Abilities of the model, all true by default: `tools`, `json_mode`, `prefill` (continues a partial answer).
    `media`: the kinds of media that it takes, of "image", "audio" and "document" (default: by its name).
    `region` "" (unknown): a call with a residency is sent to targets of that region only. `tier`: one of the
    `[route]` table's tiers, "" in a stack without routing. `service_tier` "" (none): sent to the provider as
    it is, such as "flex" or "priority"; the tier that the reply names is billed. `unsupported` "refuse": a
    call with a setting that shapes the answer and that the model does not understand (a `seed` for Claude, a
    `temperature` for gpt-5) is not sent to this target; "drop": it is sent without the setting, which
    `x-brownout-dropped` names.
    """

    provider: ProviderName
    model: str
    name: str = ""
    timeout_s: float = Field(default=10.0, gt=0)
    max_output_tokens: int = Field(default=4096, ge=1)
    context_tokens: int = Field(default=128_000, ge=1)
    prefill: bool = True
    tools: bool = True
    json_mode: bool = True
    media: tuple[MediaKind, ...] | None = Field(default=None, strict=False)
    region: str = ""
    tier: str = ""
    service_tier: str = ""
    unsupported: Literal["refuse", "drop"] = "refuse"
    limiter: LimiterOptions | None = None
    keys: ApiKeysOptions | None = None

    def target(self) -> Target:
        """The target that these options describe."""
        return Target(
            name=self.name or self.provider,
            provider=self.provider,
            model=self.model,
            timeout_s=self.timeout_s,
            max_output_tokens=self.max_output_tokens,
            context_tokens=self.context_tokens,
            prefill=self.prefill,
            tools=self.tools,
            json=self.json_mode,
            media=media_of(self.provider, self.model) if self.media is None else self.media,
            region=self.region,
            tier=self.tier,
            service_tier=self.service_tier,
            unsupported=self.unsupported,
        )


class GatewayOptions(Options):
    """`keepalive_s` 0 (off): after this long without a byte a streamed call sends its headers, with status
    200, and then a comment after every further such time; a failure is then an error event. Shorter than the
    idle timeout of every proxy between the gateway and its clients, 15 for instance.

    `allow_origins` () names the origins whose pages may call the gateway (CORS), "*" for every page.
    """

    keepalive_s: float = Field(default=0.0, ge=0)
    allow_origins: tuple[str, ...] = ()


class StackOptions(Options):
    """The tables of a stack file. A layer whose table is absent is not in the stack."""

    title: str = ""
    description: str = ""
    deadlines: DeadlineOptions = DeadlineOptions()
    cost: CostOptions = CostOptions()
    budget: tuple[BudgetOptions, ...] = ()
    prompt: PromptOptions | None = None
    cache: CacheOptions | None = None
    semantic_cache: SemanticCacheOptions | None = None
    prompt_cache: PromptCacheOptions | None = None
    batch: BatchOptions | None = None
    route: RouteOptions | None = None
    fallback: FallbackOptions = FallbackOptions(after_first_token="fail")
    retry: RetryOptions | None = None
    retry_budget: RetryBudgetOptions | None = None
    hedge: HedgeOptions | None = None
    breaker: BreakerOptions | None = None
    throttle: LoadSheddingOptions | None = None
    gateway: GatewayOptions = GatewayOptions()
    target: tuple[TargetOptions, ...] = Field(min_length=1)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The chain, in its order."""
        return tuple(target.target() for target in self.target)

    @model_validator(mode="after")
    def _targets_have_own_names(self) -> "StackOptions":
        names = [target.name for target in self.targets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"target names must differ, {twice!r} is there twice; set `name`")
        return self

    @model_validator(mode="after")
    def _batches_have_a_target(self) -> "StackOptions":
        names = [target.target().name for target in self.target if target.provider in BATCHES]
        if self.batch is not None and self.batch.target not in ("", *names):
            known = ", ".join(names) or "openai or anthropic, and such a target"
            raise ValueError(f"batch.target: expected one of {known}, got {self.batch.target!r}")
        return self

    @model_validator(mode="after")
    def _budgets_name_targets(self) -> "StackOptions":
        names = [target.name for target in self.targets]
        for n, budget in enumerate(self.budget):
            unknown = next((name for name in budget.cheaper if name not in names), None)
            if unknown is not None:
                raise ValueError(f"budget.{n}.cheaper: expected of {', '.join(names)}, got {unknown!r}")
        return self

    @model_validator(mode="after")
    def _targets_have_a_tier(self) -> "StackOptions":
        if self.route is None:
            return self
        names = ", ".join(self.route.tiers)
        for target in self.target:
            if target.tier not in self.route.tiers:
                which = f"target {target.target().name!r}: tier"
                raise ValueError(f"{which}: expected one of {names}, found {target.tier!r}")
        for tier in self.route.tiers:
            if all(target.tier != tier for target in self.target):
                raise ValueError(f"route.tiers: expected a target of each, found none of {tier!r}")
        return self


def load_stack_options(path: Path, named: NamedStacks | None = None) -> StackOptions:
    """Read a stack file. Raises `ConfigError` with one line: file, key, what was expected.

    `base = "full"` starts from another stack: one of `named`, or a file by its path from this file's folder.
    Tables given here are merged into the base's key by key, a list replaces its list, and
    `without = ["hedge"]` leaves tables out.
    """
    tables = read_tables(path)
    return parse_stack_options(flattened(tables, named or {}), tables.origin)


def parse_stack_options(values: dict[str, Any], origin: Origin) -> StackOptions:
    """The options in `values`, which have no `base`. Raises `ConfigError` that names `origin`."""
    try:
        options = StackOptions.model_validate(values)
    except ValidationError as error:
        raise origin.error(first_complaint(error, values)) from error
    try:
        prices_for(options)
        counter_named(options.cost.tokens)
    except ConfigError as error:
        raise origin.error(f"(top level): {error}" if origin.table else str(error)) from error
    return options


def prices_for(options: StackOptions) -> dict[str, Price]:
    """The price of each model of the stack. Raises `ConfigError`."""
    models = [(target.provider, target.model) for target in options.target]
    semantic = options.semantic_cache
    if semantic is not None and semantic.embedder == "api":
        models.append((semantic.embedding_provider, semantic.embedding_model))
    if options.prompt is not None and (small := options.prompt.summarise) is not None:
        models.append((small.provider, small.model))
    return prices_of(options.cost, models)
