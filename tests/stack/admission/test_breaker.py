"""The breaker opens on a bad provider, recovers by growing probes, and counts faults of the key apart."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.admission.breaker import (
    Admission,
    Breaker,
    BreakerOptions,
    Circuit,
    Verdict,
    admit,
    record,
)
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError, Rejected
from harness.virtual import run_virtual

OPTIONS = BreakerOptions(jitter=0.0)


def fed(circuit: Circuit, verdict: Verdict, times: int, now: float) -> Circuit:
    """The circuit after so many attempts of that end, admitted or not asked."""
    for _ in range(times):
        circuit, admission = admit(circuit, now)
        circuit = record(OPTIONS, circuit, admission, verdict, now, 0.5)
    return circuit


def test_too_few_failures_do_not_open_it_and_enough_do() -> None:
    nineteen = fed(Circuit(), "provider fault", 19, now=1.0)
    assert nineteen.state(1.0) == "closed"
    assert fed(nineteen, "provider fault", 1, now=1.0).state(1.0) == "open"


def test_fewer_than_half_failed_leave_it_closed() -> None:
    circuit = fed(fed(Circuit(), "answered", 51, 1.0), "provider fault", 50, 1.0)
    assert circuit.state(1.0) == "closed"
    assert fed(circuit, "provider fault", 1, 1.0).state(1.0) == "open"


def test_attempts_older_than_the_window_do_not_count() -> None:
    circuit = fed(Circuit(), "provider fault", 19, now=1.0)
    assert fed(circuit, "provider fault", 1, now=29.0).state(29.0) == "open"
    assert fed(circuit, "provider fault", 1, now=31.0).state(31.0) == "closed"


def test_rate_limits_and_bad_requests_never_open_it() -> None:
    assert fed(Circuit(), "neither", 1000, now=1.0) == Circuit()


def test_three_faults_of_the_key_in_a_row_open_it_and_an_answer_between_them_does_not() -> None:
    assert fed(Circuit(), "key fault", 3, 1.0).state(1.0) == "open"
    circuit = fed(fed(Circuit(), "key fault", 2, 1.0), "answered", 1, 1.0)
    assert fed(circuit, "key fault", 2, 1.0).state(1.0) == "closed"


def test_the_cooldown_doubles_with_every_failed_recovery_up_to_its_cap() -> None:
    circuit, now, cooldowns = fed(Circuit(), "provider fault", 20, 0.0), 0.0, []
    for _ in range(7):
        cooldowns.append(circuit.cooldown_s(now))
        now = circuit.until_s
        circuit = fed(circuit, "provider fault", 1, now)
    assert cooldowns == [5, 10, 20, 40, 80, 120, 120]


def test_half_open_it_lets_through_one_probe_then_two_then_four() -> None:
    circuit, now = fed(Circuit(), "provider fault", 20, 0.0), 5.0
    ramp = []
    while circuit.state(now) == "half-open":
        probes = []
        while True:
            circuit, admission = admit(circuit, now)
            if not admission.allowed:
                break
            probes.append(admission)
        ramp.append(len(probes))
        for probe in probes:
            circuit = record(OPTIONS, circuit, probe, "answered", now, 0.5)
    assert ramp == [1, 2, 4, 8]
    assert circuit.state(now) == "closed"


def test_an_attempt_admitted_before_the_opening_does_not_count_after_it() -> None:
    _, early = admit(Circuit(), 0.0)
    circuit = fed(Circuit(), "provider fault", 20, 0.0)
    assert record(OPTIONS, circuit, early, "answered", 6.0, 0.5) == circuit


@given(st.lists(st.tuples(st.sampled_from(["admit", "answered", "provider fault", "key fault", "neither"])
                          , st.floats(0, 20)), max_size=200))  # fmt: skip
def test_probes_are_never_more_than_have_proven_themselves_and_none_is_lost(
    steps: list[tuple[str, float]],
) -> None:
    circuit, now = Circuit(), 0.0
    out: list[Admission] = []
    for step, after_s in steps:
        now += after_s
        if step == "admit":
            circuit, admission = admit(circuit, now)
            assert not admission.probe or circuit.probing <= circuit.proven + 1
            if admission.allowed:
                out.append(admission)
        elif out:
            circuit = record(OPTIONS, circuit, out.pop(0), step, now, 0.5)  # type: ignore[arg-type]  # a Verdict
        current = [a for a in out if a.probe and a.opening == circuit.openings]
        assert circuit.probing == len(current)


def play(scenario: Any) -> Any:
    return run_virtual(scenario())


def test_an_open_breaker_refuses_at_once_and_says_for_how_long(
    call: Callable[..., Call], scripted: Any
) -> None:
    async def scenario() -> None:
        options = BreakerOptions(min_samples=2, jitter=0.0)
        breaker = Breaker(options, "breaker/openai")
        inner = scripted(*(ProviderError("server_error", "500") for _ in range(2)), ("fine",))
        for _ in range(2):
            with pytest.raises(ProviderError):
                await breaker(call(), inner)
        with pytest.raises(Rejected, match=r"open for another 5\.0 s") as refused:
            await breaker(call(), inner)
        assert (refused.value.kind, refused.value.retry_after_s) == ("rejected_breaker", 5.0)
        await asyncio.sleep(5)
        assert (await breaker.circuit()).state(asyncio.get_running_loop().time()) == "half-open"
        assert (await (await breaker(call(), inner)).text())[0] == "fine"

    play(scenario)


def test_a_probe_that_is_cancelled_or_abandoned_gives_its_place_to_the_next(
    call: Callable[..., Call], scripted: Any
) -> None:
    async def scenario() -> None:
        breaker = Breaker(BreakerOptions(min_samples=1, jitter=0.0), "b")
        with pytest.raises(ProviderError):
            await breaker(call(), scripted(ProviderError("connect", "nobody")))
        await asyncio.sleep(5)

        async def hang(_: Call) -> Any:
            await asyncio.sleep(1000)

        probe = asyncio.create_task(breaker(call(), hang))
        await asyncio.sleep(1)
        with pytest.raises(Rejected):
            await breaker(call(), hang)
        probe.cancel()
        await asyncio.wait([probe])
        async with await breaker(call(), scripted(("left", "half", "way"))):
            pass
        assert (await (await breaker(call(), scripted(("fine",)))).text())[0] == "fine"

    play(scenario)
