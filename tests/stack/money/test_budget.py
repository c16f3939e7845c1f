"""A budget is reserved before money is spent, settled once with the real cost, and never overshot."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions, load_stack_options
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import ConfigError, ProviderError, Rejected
from harness.stack.core.facts import CallFacts
from harness.stack.gateway.caller import key_name
from harness.stack.money.account import Account, reserve, settle
from harness.stack.money.budget import BudgetOptions
from harness.stack.money.periods import span_of
from harness.stack.state.backend import MemoryBackend
from tests.stack.assembly.test_built_stack import CLAUDE, OPENAI, OVERLOADED, asks, claude_reply, openai_reply
from tests.stack.conftest import ENDPOINTS

GPT = "http://openai.test/v1/chat/completions"
CLAUDE_URL = "http://anthropic.test/v1/messages"
MINI = {"provider": "openai", "model": "gpt-4o-mini", "name": "mini"}
REPLY = 100 * 2_500 + 10 * 10_000
"""Cost of the scripted reply of gpt-4o."""
PROMPT = 3 + 2 * 4 + 3 + 2
"""Tokens of what `asks` asks."""


def usd(nusd: int) -> str:
    return f"{nusd / 10**9:.9f}"


def most(max_tokens: int) -> int:
    """Maximum cost of an attempt at gpt-4o."""
    return PROMPT * 2_500 + max_tokens * 10_000


class Built:
    """A stack with one budget and readable state."""

    def __init__(self, budget: dict[str, Any], *targets: dict[str, Any], **options: Any) -> None:
        self.emitted: list[CallFacts] = []
        self.backend = MemoryBackend()
        described = {"budget": [budget], "target": list(targets or (OPENAI,))} | options
        self.stack = build(
            StackOptions.model_validate(described),
            ENDPOINTS,
            sink=self.emitted.append,
            transport=httpx.AsyncHTTPTransport(),
            backend=self.backend,
        )

    async def ask(self, id: str = "c1", **changes: Any) -> str:
        call = asks(self.stack, id, **({"max_tokens": 10} | changes))
        async with await self.stack.ask(call) as reply:
            return (await reply.text())[0]

    def account(self, key: str = "budget/day-1") -> tuple[int, int]:
        """(reserved, spent) in nano-dollars."""
        known = self.backend.peek(key) or Account(0)
        return known.reserved_nusd, known.spent_nusd


async def test_the_real_cost_takes_the_place_of_what_was_reserved(web: respx.Router) -> None:
    built = Built({"hard_usd": "1"})
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    reply = await built.stack.ask(asks(built.stack, max_tokens=500))
    assert built.account() == (most(500), 0)
    await reply.text()
    assert built.account() == (0, REPLY)


async def test_what_may_cost_more_than_is_left_is_rejected_before_anything_is_sent(web: respx.Router) -> None:
    built = Built({"hard_usd": usd(most(10) - 1), "period": "minute"})
    route = web.post(GPT).mock(return_value=openai_reply("Hi."))
    with pytest.raises(Rejected, match=r"dollars a minute") as error:
        await built.ask()
    assert error.value.kind == "rejected_budget"
    assert error.value.retry_after_s is not None
    assert 0 < error.value.retry_after_s <= 60
    assert (route.call_count, built.emitted[0].outcome, built.emitted[0].attempts) == (0, "rejected", [])
    assert built.account("budget/minute-1") == (0, 0)


async def test_beyond_the_soft_limit_calls_go_to_the_cheaper_target(web: respx.Router) -> None:
    built = Built({"soft_usd": usd(REPLY), "cheaper": ["mini"]}, OPENAI, MINI)
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    for id in ("c1", "c2", "c3"):
        await built.ask(id)
    asked = [[(a.model, a.kind) for a in facts.attempts] for facts in built.emitted]
    assert asked == [[("gpt-4o", "primary")], [("gpt-4o-mini", "primary")], [("gpt-4o-mini", "primary")]]
    assert built.account() == (0, REPLY + 2 * (100 * 150 + 10 * 600))


async def test_a_cached_answer_costs_nothing_and_holds_nothing(web: respx.Router) -> None:
    built = Built({"hard_usd": "1"}, cache={})
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    await built.ask("c1")
    await built.ask("c2")
    assert [facts.cache for facts in built.emitted] == ["miss", "exact"]
    assert built.account() == (0, REPLY)


async def test_what_a_call_cost_without_reserving_it_is_spent_when_it_is_over(web: respx.Router) -> None:
    built = Built(
        {"hard_usd": "1"},
        semantic_cache={"embedder": "api", "dimensions": 2, "policy": "plain"},
    )
    vector = {"data": [{"index": 0, "embedding": [0.6, 0.8]}], "usage": {"prompt_tokens": 7}}
    web.post("http://openai.test/v1/embeddings").mock(return_value=httpx.Response(200, json=vector))
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    await built.ask("c1")
    assert [attempt.kind for attempt in built.emitted[0].attempts] == ["embedding", "primary"]
    assert built.account() == (0, REPLY + 7 * 20)
    assert built.emitted[0].cost_nusd == REPLY + 7 * 20


async def test_each_tenant_and_key_has_a_budget_of_its_own(web: respx.Router) -> None:
    built = Built({"hard_usd": usd(REPLY), "per": ["tenant", "key"]})
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    for tenant, key in (("a", "k1"), ("a", "k2"), ("b", "k1")):
        await built.ask(tenant=tenant, key=key)
        with pytest.raises(Rejected):
            await built.ask(tenant=tenant, key=key)
    assert built.account("budget/day-1/a/k2") == (0, REPLY)


async def test_a_budget_for_some_tenants_concerns_no_others(web: respx.Router) -> None:
    built = Built({"hard_usd": "0", "tenants": ["a"]})
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    assert await built.ask(tenant="b") == "Hi."
    with pytest.raises(Rejected):
        await built.ask(tenant="a")


async def test_when_no_model_has_money_left_the_call_is_rejected(web: respx.Router) -> None:
    built = Built({"hard_usd": usd(REPLY), "per": ["model"]}, OPENAI, CLAUDE)
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    web.post(CLAUDE_URL).mock(return_value=claude_reply("Hello."))
    assert await built.ask("c1") == "Hi."
    assert await built.ask("c2", stream=False) == "Hello."
    with pytest.raises(Rejected) as error:
        await built.ask("c3", stream=False)
    assert error.value.kind == "rejected_budget"
    assert [a.error_kind for a in built.emitted[-1].attempts] == ["rejected_budget"] * 2


async def test_a_model_that_still_has_money_answers_for_one_that_has_none(web: respx.Router) -> None:
    built = Built({"hard_usd": "0", "models": ["gpt-4o"]}, OPENAI, CLAUDE)
    route = web.post(GPT)
    web.post(CLAUDE_URL).mock(return_value=claude_reply("Hello."))
    assert await built.ask(stream=False) == "Hello."
    assert route.call_count == 0
    assert [(a.provider, a.outcome) for a in built.emitted[0].attempts] == [
        ("openai", "rejected"),
        ("anthropic", "success"),
    ]


async def test_an_attempt_that_cost_nothing_leaves_its_reservation_to_the_next(web: respx.Router) -> None:
    """A limit of one attempt is enough for a retry, and no other call gets in between."""
    retry = {"attempts": 2, "base_s": 0, "cap_s": 0}
    built = Built({"hard_usd": usd(most(10))}, retry=retry)
    web.post(GPT).side_effect = [OVERLOADED, openai_reply("Hi.")]
    assert await built.ask() == "Hi."
    assert built.account() == (0, REPLY)


async def test_an_attempt_that_was_billed_leaves_what_is_left_of_it_only(web: respx.Router) -> None:
    """The stream was cut and billed: going on costs more than what is left."""
    on = {"after_first_token": "continue"}
    built = Built({"hard_usd": usd(most(10))}, OPENAI, MINI | {"model": "gpt-4o"}, fallback=on)
    web.post(GPT).mock(return_value=openai_reply("Hi.", whole=False))
    with pytest.raises(ProviderError) as error:
        await built.ask()
    assert error.value.kind == "truncated"
    kinds = [attempt.error_kind for attempt in built.emitted[0].attempts]
    assert kinds == ["truncated", *["rejected_budget"] * 2]
    assert (error.value.partial, error.value.cost_nusd) == ("Hi.", built.emitted[0].cost_nusd)
    cut = built.emitted[0].attempts[0]
    assert built.account() == (0, cut.cost_nusd)
    assert cut.cost_nusd > 0


async def test_a_call_belongs_to_the_period_in_which_it_began() -> None:
    first, granted = reserve(None, 7, 10, hard_nusd=10)
    assert granted is not None
    second, later = reserve(first, 8, 10, hard_nusd=10)
    assert later is not None
    assert settle(second, granted.period, 10, 10) == second == Account(8, 10, 0)
    assert reserve(second, 7, 1, hard_nusd=10)[1] is None  # a clock that is behind


MOVES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 60), st.floats(0, 1)))


@given(MOVES, st.integers(0, 100))
def test_in_no_period_more_is_used_than_the_hard_limit(
    moves: list[tuple[int, int, int, float]], hard: int
) -> None:
    """Holds for every order of reserving and settling, if no attempt spends more than was reserved."""
    account: Account | None = None
    period, held = 0, []
    for settled, later, nusd, share in moves:
        period += later // 3
        account, granted = reserve(account, period, nusd, hard_nusd=hard)
        if granted is not None:
            held.append((granted, share))
        assert account.used_nusd <= hard
        for granted, share in held[:settled]:
            account = settle(account, granted.period, granted.nusd, int(granted.nusd * share))
            assert account.used_nusd <= hard
            assert min(account) >= 0
        del held[:settled]
    for granted, share in held:
        account = settle(account, granted.period, granted.nusd, int(granted.nusd * share))
    assert account is None or account.reserved_nusd == 0


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001  # UTC is given to it below
def test_a_month_ends_where_the_next_begins(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    span = span_of("month", now.timestamp(), UTC)
    following = datetime.fromtimestamp(span.ends_s, UTC)
    assert now < following
    assert (following.day, following.hour, following.minute) == (1, 0, 0)
    assert (following.year * 12 + following.month) - (now.year * 12 + now.month) == 1
    assert span_of("month", span.ends_s, UTC).begins_s == span.ends_s


@pytest.mark.parametrize(("period", "length"), [("minute", 60), ("hour", 3_600), ("day", 86_400)])
def test_short_periods_follow_the_clock(period: Any, length: int) -> None:
    assert span_of(period, length * 5.0, UTC) == (length * 5, length * 6)
    assert span_of(period, length * 6 - 1e-6, UTC) == (length * 5, length * 6)


BAD = [
    ("period = 'day'", "expected a limit"),
    ("hard_usd = '5'\nperiod = 'week'", "budget.0.period"),
    ("soft_usd = '5'", "soft_usd and cheaper together"),
    ("soft_usd = '5'\nhard_usd = '4'\ncheaper = ['openai']", "soft_usd below hard_usd"),
    ("soft_usd = '5'\ncheaper = ['mini']", "budget.0.cheaper: expected of openai, got 'mini'"),
    ("soft_usd = '5'\ncheaper = ['openai']\nper = ['model']", "no soft_usd per model"),
    ("hard_usd = 'five'", "budget.0.hard_usd: expected dollars, got 'five'"),
    ("hard_usd = 5\nper = ['user']", "budget.0.per"),
    *(
        (
            f"hard_usd = 5\ntime_zone = '{name}'",
            rf"budget.0.time_zone: expected .*Europe/Berlin.*, got '{re.escape(name)}'",
        )
        for name in ("Europe/Berlyn", "Europe", "", "../etc/passwd", "/etc/passwd", "CEST+1")
    ),
]


@pytest.mark.parametrize(("budget", "complaint"), BAD)
def test_a_wrong_budget_is_one_line(tmp_path: Any, budget: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"[[budget]]\n{budget}\n[[target]]\nprovider = 'openai'\nmodel = 'gpt-4o'\n")
    with pytest.raises(ConfigError, match=complaint) as error:
        load_stack_options(path)
    assert "\n" not in str(error.value)


def test_dollars_are_exact_however_they_are_written() -> None:
    assert BudgetOptions.model_validate({"hard_usd": 0.1}).hard_nusd == 100_000_000
    assert BudgetOptions.model_validate({"hard_usd": "0.1"}).hard_nusd == 100_000_000


def test_a_credential_is_named_by_its_digest() -> None:
    name = key_name("Bearer sk-secret")
    assert (name.startswith("key-"), "secret" in name, len(name)) == (True, False, 16)
    assert name != key_name("Bearer sk-other")
    assert key_name("") == ""


async def test_calls_know_nothing_of_budgets_where_there_are_none(
    web: respx.Router, make_stack: Callable[..., Stack]
) -> None:
    stack = make_stack(target=[OPENAI])
    web.post(GPT).mock(return_value=openai_reply("Hi."))
    call: Call = asks(stack)
    await (await stack.ask(call)).text()
    assert call.reservation is None
