"""Several keys for one target: round robin, cooldowns of refused keys, and the last key is never given up."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.stack.admission.api_keys import (
    ApiKeys,
    ApiKeysOptions,
    Cooldown,
    KeyPool,
    after_failure,
    next_key,
)
from harness.stack.admission.breaker import verdict_on
from harness.stack.admission.limiter import Limiter, LimiterOptions
from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions, TargetOptions
from harness.stack.core.call import Call
from harness.stack.core.errors import ConfigError, ProviderError, StackError
from harness.stack.core.facts import CallFacts
from harness.stack.core.rate_meters import NOTHING, Meter, Meters
from harness.stack.core.reply import Delta, Reply
from harness.stack.core.request import Message
from harness.stack.gateway.app import Gateway
from harness.stack.resilience.retry import RetryOptions, wait_before_retry_s
from harness.stack.upstream.endpoint import endpoints_from
from harness.virtual import run_virtual
from mock_providers import LedgerRow
from mock_providers.exchange.keys import key_id
from tests.lab.lab import Lab, play, target
from tests.stack.conftest import events_of

OPTIONS = ApiKeysOptions(names=("a", "b", "c"))
FRESH = KeyPool((Cooldown(),) * 3)


def refused(kind: str = "auth", status: int = 401, retry_after_s: float | None = None) -> ProviderError:
    return ProviderError(kind, "no", status=status, retry_after_s=retry_after_s)


def turns(pool: KeyPool, times: int, now: float) -> list[int]:
    taken = []
    for _ in range(times):
        pool, n = next_key(pool, now)
        taken.append(n)
    return taken


def test_keys_take_turns() -> None:
    assert turns(FRESH, 7, 0.0) == [0, 1, 2, 0, 1, 2, 0]


def test_a_refused_key_cools_down_and_comes_back() -> None:
    pool, alone = after_failure(OPTIONS, FRESH, 1, "auth", None, 10.0)
    assert alone
    assert turns(pool, 4, 309.9) == [0, 2, 0, 2]
    assert turns(pool, 4, 310.0) == [0, 1, 2, 0]


@pytest.mark.parametrize(("retry_after_s", "seconds"), [(None, 1.0), (7.0, 7.0), (0.0, 0.0), (900.0, 60.0)])
def test_a_limited_key_cools_down_for_the_time_of_its_retry_after(
    retry_after_s: float | None, seconds: float
) -> None:
    pool, _ = after_failure(OPTIONS, FRESH, 0, "rate_limited", retry_after_s, 10.0)
    assert pool.cooldowns[0] == Cooldown(10.0 + seconds, "rate_limited")


def test_a_short_cooldown_does_not_end_a_long_one() -> None:
    pool, _ = after_failure(OPTIONS, FRESH, 0, "auth", None, 10.0)
    pool, _ = after_failure(OPTIONS, pool, 0, "rate_limited", 2.0, 11.0)
    assert pool.cooldowns[0].until_s == 310.0


@pytest.mark.parametrize("kind", ["server_error", "overloaded", "connection", "timeout_first_token"])
def test_a_fault_of_the_provider_is_not_the_keys(kind: str) -> None:
    assert after_failure(OPTIONS, FRESH, 0, kind, 5.0, 10.0) == (FRESH, False)


def test_the_last_key_is_used_though_it_was_refused_and_its_fault_is_the_targets() -> None:
    pool, alone = after_failure(OPTIONS, FRESH, 0, "auth", None, 10.0)
    pool, alone = after_failure(OPTIONS, pool, 2, "rate_limited", 30.0, 11.0)
    assert alone
    pool, alone = after_failure(OPTIONS, pool, 1, "auth", None, 12.0)
    assert not alone
    assert turns(pool, 3, 20.0) == [2, 2, 2]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["auth", "quota_exhausted", "rate_limited", "server_error"]),
            st.none() | st.floats(0, 100),
            st.floats(0, 50),
        ),
        max_size=30,
    )
)
def test_whatever_was_refused_a_key_in_a_cooldown_is_used_only_when_all_are(
    events: list[tuple[int, str, float | None, float]],
) -> None:
    pool, now = FRESH, 0.0
    for n, kind, hint_s, passed_s in events:
        now += passed_s
        pool, alone = after_failure(OPTIONS, pool, n, kind, hint_s, now)
        in_use = {other for other in range(3) if pool.in_use(other, now)}
        if alone:
            assert in_use - {n}
        pool, chosen = next_key(pool, now)
        assert chosen in (in_use or {0, 1, 2})


async def asked(keys: ApiKeys, call: Call, inner: Any) -> StackError | None:
    try:
        async with await keys(call, inner) as reply:
            await reply.text()
    except StackError as error:
        return error
    return None


def test_a_retry_after_a_refused_key_goes_out_with_the_next_and_does_not_wait_for_the_first(
    call: Callable[..., Call], scripted: type[Any]
) -> None:
    async def scenario() -> None:
        inner = scripted(refused("rate_limited", 429, 40.0), ("hello",))
        keys = ApiKeys(ApiKeysOptions(names=("a", "b")))
        error = await asked(keys, call(), inner)
        assert isinstance(error, ProviderError)
        assert (error.of_key, error.retryable, error.retry_after_s) == (True, True, 40.0)
        options = RetryOptions(backoff="fixed", base_s=0.5)
        assert wait_before_retry_s(options, error, 0, 0.5) == 0.5
        assert verdict_on(error) == "neither"
        assert await asked(keys, call(), inner) is None
        assert [sent.attempt.key_name for sent in inner.calls] == ["a", "b"]

    run_virtual(scenario())


def test_one_key_behaves_as_no_rotation_at_all(call: Callable[..., Call], scripted: type[Any]) -> None:
    async def scenario() -> None:
        inner = scripted(refused(), refused("rate_limited", 429, 40.0), ("hello",))
        keys = ApiKeys(ApiKeysOptions(names=("a",)))
        first = await asked(keys, call(), inner)
        second = await asked(keys, call(), inner)
        assert isinstance(first, ProviderError)
        assert isinstance(second, ProviderError)
        assert (first.of_key, first.retryable, verdict_on(first)) == (False, False, "key fault")
        assert (second.of_key, wait_before_retry_s(RetryOptions(max_retry_after_s=60), second, 0, 0.5)) == (
            False,
            40.0,
        )
        assert await asked(keys, call(), inner) is None

    run_virtual(scenario())


def test_a_limited_key_does_not_block_the_other_keys(call: Callable[..., Call], scripted: type[Any]) -> None:
    async def scenario() -> None:
        inner = scripted(refused("rate_limited", 429, 9.0), ("hello",), refused("rate_limited", 429, 9.0))
        keys = ApiKeys(ApiKeysOptions(names=("a", "b")))
        limiter = Limiter(LimiterOptions(rpm=600), lambda tokens, limit: tokens)

        async def inside(sent: Call) -> Any:
            return await keys(sent, inner)

        clock = asyncio.get_running_loop().time
        with pytest.raises(ProviderError):
            await limiter(call(), inside)
        began_s = clock()
        async with await limiter(call(), inside) as reply:
            await reply.text()
        assert clock() == began_s

    run_virtual(scenario())


def test_the_headers_of_one_key_are_not_taken_for_the_limits_of_all(call: Callable[..., Call]) -> None:
    told = Meters(Meter(60, 1), *NOTHING[1:])

    async def answers(sent: Call) -> Reply:
        return Reply(Delta("hello"), events_of(), told)

    async def scenario() -> None:
        for names, seen in ((("a", "b"), None), (("a",), told)):
            async with await ApiKeys(ApiKeysOptions(names=names))(call(), answers) as reply:
                assert reply.meters == seen
                await reply.text()

    run_virtual(scenario())


def test_a_stacks_file_names_keys_and_the_environment_holds_them() -> None:
    target = TargetOptions.model_validate({"provider": "openai", "model": "gpt-4o", "keys": ["a", "b"]})
    assert target.keys == ApiKeysOptions(names=("a", "b"))
    table = {"names": ["a"], "refused_s": 5}
    target = TargetOptions.model_validate({"provider": "openai", "model": "gpt-4o", "keys": table})
    assert target.keys == ApiKeysOptions(names=("a",), refused_s=5)
    env = {"OPENAI_API_KEY": "sk-0", "OPENAI_API_KEY_A": "sk-1", "OPENAI_API_KEY_EU_2": "sk-2"}
    openai = endpoints_from(env)["openai"]
    assert (openai.api_key, openai.keys) == ("sk-0", {"a": "sk-1", "eu_2": "sk-2"})
    assert "sk-" not in repr(openai)


def test_a_missing_key_is_an_error_of_one_line() -> None:
    target = {"provider": "openai", "model": "gpt-4o", "keys": ["a", "b"]}
    with pytest.raises(ConfigError, match=r"^target openai: keys: expected key 'b' .* in OPENAI_API_KEY_B$"):
        build(StackOptions.model_validate({"target": [target]}), endpoints_from({"OPENAI_API_KEY_A": "sk-1"}))


@pytest.mark.parametrize(
    "keys", [[], ["a", "a"], ["Prod"], ["a b"], {"refused_s": 5}, {"names": ["a"], "x": 1}]
)
def test_keys_that_cannot_be_named_are_refused(keys: Any) -> None:
    with pytest.raises(ValidationError):
        TargetOptions.model_validate({"provider": "openai", "model": "gpt-4o", "keys": keys})


def played(
    keys: list[str],
    calls: int,
    gap_s: float,
    faults: list[dict[str, Any]],
    limits: dict[str, Any],
    **table: Any,
) -> tuple[list[CallFacts], list[LedgerRow], list[Any]]:
    """Calls one after the other through the keys of one target: facts, ledger, and health after each."""
    facts: list[CallFacts] = []
    rows: list[LedgerRow] = []
    health: list[Any] = []

    async def scene(lab: Lab) -> None:
        for n in range(calls):
            with suppress(StackError):
                await lab.ask(f"c{n}", messages=(Message("user", "Hello?"),), max_tokens=10)
            health.append(await lab.stack.health(lab.now()))
            await asyncio.sleep(gap_s)
        facts.extend(lab.facts)
        rows.extend(lab.rows)

    play(
        scene,
        models={"openai": limits},
        keys={name: f"sk-{name}" for name in keys},
        faults=faults,
        target=[target("openai", keys=keys)],
        **table,
    )
    return facts, rows, health


def by_key(rows: list[LedgerRow]) -> Counter[str]:
    names = {key_id(f"sk-{name}"): name for name in ("a", "b")}
    return Counter(names[row.key_id] for row in rows)


RETRY = {"attempts": 2, "backoff": "fixed", "base_s": 0.1}


def test_two_keys_carry_more_than_one_keys_limit() -> None:
    limits = {"limits": {"requests_per_min": 6}}
    alone, rows, _ = played(["a"], 12, 0.5, [], limits)
    assert [facts.outcome for facts in alone].count("success") < 9
    both, rows, _ = played(["a", "b"], 12, 0.5, [], limits, retry=RETRY)
    assert {facts.outcome for facts in both} == {"success"}
    assert by_key(rows) == {"a": 6, "b": 6}


def test_a_second_key_does_not_evade_the_limit_of_the_organisation() -> None:
    limits = {"organization_limits": {"requests_per_min": 6}}
    told, rows, _ = played(["a", "b"], 12, 0.5, [], limits, retry=RETRY)
    admitted = [row.received_s for row in rows if row.status == 200]
    assert len(admitted) <= 6 + max(admitted) / 10
    assert {row.key_id for row in rows if row.status == 429} == {key_id("sk-a"), key_id("sk-b")}
    assert [facts.outcome for facts in told].count("success") == len(admitted)


def test_a_revoked_key_costs_nobody_an_answer_and_opens_no_breaker() -> None:
    revoked = {"kind": "key_revoked", "provider": "openai", "key": "sk-a", "from_s": 5.0}
    told, rows, seen = played(["a", "b"], 20, 0.5, [revoked], {}, retry=RETRY, breaker={"key_faults": 1})
    assert {facts.outcome for facts in told} == {"success"}
    assert [row.status for row in rows].count(401) == 1
    assert by_key([row for row in rows if row.received_s > 7.0]).keys() == {"b"}
    assert {health["targets"]["openai"]["breaker"]["state"] for health in seen} == {"closed"}
    assert seen[0]["targets"]["openai"]["keys"] == {"a": {"in_use": True}, "b": {"in_use": True}}
    last = seen[-1]["targets"]["openai"]["keys"]
    assert (last["a"]["in_use"], last["a"]["why"], last["b"]) == (False, "auth", {"in_use": True})
    assert 285 < last["a"]["rest_s"] < 300


def test_when_every_key_is_revoked_the_breaker_opens_as_with_one() -> None:
    revoked = {"kind": "key_revoked", "provider": "openai"}
    told, rows, seen = played(["a", "b"], 10, 0.5, [revoked], {}, breaker={"jitter": 0})
    assert {facts.outcome for facts in told} <= {"failed", "rejected"}
    states = [health["targets"]["openai"]["breaker"] for health in seen]
    assert states[0] == {"state": "closed", "cooldown_s": 0.0}
    assert any(state["state"] == "open" and 0 < state["cooldown_s"] <= 5 for state in states)
    assert {row.status for row in rows} == {401}


def test_the_gateway_tells_its_health() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def scenario() -> None:
        target = {"provider": "openai", "model": "gpt-4o", "keys": ["a"]}
        options = StackOptions.model_validate({"breaker": {}, "target": [target]})
        stack = build(options, endpoints_from({"OPENAI_API_KEY_A": "sk-secret"}))
        scope = {"type": "http", "method": "GET", "path": "/health", "headers": []}
        await Gateway(stack)(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]
        await stack.aclose()

    run_virtual(scenario())
    body = b"".join(message.get("body", b"") for message in sent)
    openai = {"breaker": {"state": "closed", "cooldown_s": 0.0}, "keys": {"a": {"in_use": True}}}
    assert orjson.loads(body) == {"ok": True, "targets": {"openai": openai}}
    assert b"secret" not in body
