"""Descriptions of random small runs: a stack, faults, a dozen calls, callers that hang up."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from harness.stack.core.call import Priority
from tests.lab.providers import CHAIN_PROVIDERS, MODELS

RPM = 60
"""What providers with a limit allow, with a burst of two seconds; limiters are told the same."""
BURST_S = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: its start, its request, and how its caller hangs up (None: it reads to the end)."""

    at_s: float
    tokens: int
    stream: bool
    priority: Priority
    cancel_after_s: float | None
    close_after_events: int | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The description of a run."""

    seed: int
    stack: dict[str, Any]
    faults: list[dict[str, Any]]
    limited: tuple[str, ...]
    calls: tuple[Asked, ...]


def seconds(most: float) -> st.SearchStrategy[float]:
    """A time on a grid, so that many events coincide."""
    return st.integers(0, int(most * 20)).map(lambda n: n / 20)


# Strategies are made once, here: making and validating them anew in each draw took a fifth of the time.


FAULTS = st.one_of(
    st.fixed_dictionaries({"kind": st.just("outage")}),
    st.fixed_dictionaries(
        {"kind": st.just("http_error"), "status": st.sampled_from([400, 401, 403, 429, 500, 503, 529])}
    ),
    st.fixed_dictionaries({"kind": st.just("hang"), "hold_s": st.sampled_from([1.0, 60.0])}),
    st.fixed_dictionaries({"kind": st.just("slow_first_token"), "extra_s": st.sampled_from([0.5, 4.0])}),
    st.fixed_dictionaries({"kind": st.just("slow_drip"), "gap_s": st.sampled_from([0.1, 1.0, 3.0])}),
    st.fixed_dictionaries({"kind": st.just("brownout"), "extra_s": st.sampled_from([0.5, 2.0])}),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(
                ["reset", "truncate", "stall", "malformed_json", "malformed_sse", "in_band_error"]
            ),
            "after_chunks": st.integers(0, 8),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["refuse", "html_200", "key_revoked", "quality_loss", "clock_skew"])}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("key_revoked"), "key": st.sampled_from(["sk-world-a", "sk-world-b"])}
    ),
)


FAULT = st.builds(
    lambda fault, at, lasts_s, provider: (
        fault | at | {"to_s": at["from_s"] + lasts_s} | ({} if provider is None else {"provider": provider})
    ),
    FAULTS,
    st.fixed_dictionaries({"from_s": seconds(3), "probability": st.sampled_from([0.2, 0.5, 1.0])}),
    st.sampled_from([0.5, 2.0, 8.0]),
    st.sampled_from([None, *CHAIN_PROVIDERS]),
)
"""A fault of any kind, for some time, at one provider or all, for some requests or all."""

DEADLINES = st.fixed_dictionaries(
    {
        "connect_s": st.just(1),
        "first_token_s": st.sampled_from([1.0, 3.0]),
        "inter_chunk_s": st.sampled_from([0.5, 2.0]),
        "total_s": st.sampled_from([2.0, 8.0, 20.0]),
    }
)
MAX_WAIT_S = st.sampled_from([0.0, 1.0, 9.0])
KEYS = st.none() | st.fixed_dictionaries(
    {
        "names": st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]]),
        "refused_s": st.sampled_from([1.0, 300.0]),
    }
)
PROVIDERS = {
    least: st.lists(st.sampled_from(CHAIN_PROVIDERS), min_size=least, max_size=3, unique=True)
    for least in range(3)
}
"""Different providers in any order, by the least number of them."""


MECHANISMS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "cache": st.just({"ttl_s": 5}),
    "fallback": st.fixed_dictionaries(
        {
            "after_first_token": st.sampled_from(["continue", "restart", "fail"]),
            "max_continuations": st.integers(1, 3),
        }
    ),
    "retry_budget": st.fixed_dictionaries(
        {"ratio": st.sampled_from([0.0, 0.5]), "min_per_s": st.just(0.1), "initial": st.sampled_from([0, 2])}
    ),
    "hedge": st.fixed_dictionaries(
        {"min_samples": st.just(1), "max_share": st.just(1.0), "quantile": st.sampled_from([0.3, 0.9])}
    ),
    "retry": st.fixed_dictionaries(
        {"attempts": st.integers(1, 4), "base_s": st.sampled_from([0.0, 0.2]), "cap_s": st.just(1.0)}
    ),
    "throttle": st.just({"window_s": 6.0}),
    "breaker": st.fixed_dictionaries(
        {"min_samples": st.integers(1, 4), "open_s": st.sampled_from([0.5, 3.0]), "probes": st.integers(1, 3)}
    ),
}


LAYERS = st.fixed_dictionaries({name: st.none() | options for name, options in MECHANISMS.items()})
"""The options of each mechanism, None where it is absent."""


def _target(draw: st.DrawFn, name: str, limited: bool) -> dict[str, Any]:
    target: dict[str, Any] = {"provider": name, "model": MODELS[name]}
    if limited:
        target["limiter"] = {"rpm": RPM, "burst_s": BURST_S, "max_wait_s": draw(MAX_WAIT_S)}
    keys = draw(KEYS)
    return target if keys is None else target | {"keys": keys}


def _stack(draw: st.DrawFn, limited: tuple[str, ...], least_targets: int) -> dict[str, Any]:
    """Any stack: up to three targets in any order, each layer present or absent."""
    deadlines, layers = draw(DEADLINES), draw(LAYERS)
    targets = [_target(draw, name, name in limited) for name in draw(PROVIDERS[least_targets])]
    chosen = {name: options for name, options in layers.items() if options is not None}
    return {"deadlines": deadlines, "target": targets, **chosen}


def _asked(leaves: str, cancel_after_s: float, close_after_events: int, **request: Any) -> Asked:
    return Asked(
        **request,
        cancel_after_s=cancel_after_s if leaves == "cancels" else None,
        close_after_events=close_after_events if leaves == "closes" else None,
    )


CALLS = st.lists(
    st.builds(
        _asked,
        leaves=st.sampled_from(["stays", "stays", "cancels", "closes"]),
        cancel_after_s=seconds(6),
        close_after_events=st.integers(1, 12),
        at_s=seconds(4),
        tokens=st.integers(1, 40),
        stream=st.sampled_from([True, True, True, False]),
        priority=st.sampled_from(["interactive", "batch"]),
    ),
    min_size=1,
    max_size=12,
)
"""Calls, each with its caller's behaviour."""
SOME_FAULTS = st.lists(FAULT, max_size=4)
SEEDS = st.integers(0, 2**16)


@st.composite
def worlds(draw: st.DrawFn, least_targets: int = 1) -> Drawn:
    """Any run of a stack with at least so many targets."""
    limited = tuple(draw(PROVIDERS[0]))
    return Drawn(
        seed=draw(SEEDS),
        stack=_stack(draw, limited, least_targets),
        faults=draw(SOME_FAULTS),
        limited=limited,
        calls=tuple(draw(CALLS)),
    )


DRAWN = settings(
    derandomize=False,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""How worlds are drawn: from a seed of the test's own, each once; how many, the test says."""
