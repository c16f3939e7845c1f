"""For any stack, faults and callers: no budget is exceeded at any time, and no reservation leaks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from harness.stack.money.account import Account
from harness.stack.money.dollars import dollars_nusd
from harness.stack.state.backend import MemoryBackend
from tests.chaos.small_world import play
from tests.chaos.worlds import DRAWN, Drawn, worlds
from tests.effort import effort

SHARDS = 4
WORLDS_A_SHARD = effort(60)
NOTHING = Account(0)


class Watched:
    """All states that a budget's account passed through."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Account]] = []
        self.last: dict[str, Account] = {}

    def __call__(self, key: str, account: Account | None) -> None:
        if key.startswith("budget/") and account is not None:
            self.seen.append((key, account))
            self.last[key] = account


@contextmanager
def watched() -> Iterator[Watched]:
    """Record an account after each change."""
    watching = Watched()
    update, post = MemoryBackend.update, MemoryBackend.post

    async def updated(backend: MemoryBackend, key: str, change: Any) -> Any:
        answer = await update(backend, key, change)
        watching(key, backend.peek(key))
        return answer

    def posted(backend: MemoryBackend, key: str, change: Callable[[Any], Any]) -> None:
        post(backend, key, change)
        watching(key, backend.peek(key))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryBackend, "update", updated)
        patch.setattr(MemoryBackend, "post", posted)
        yield watching


WORLDS = worlds()
HARD_USD = st.sampled_from([None, "0", "0.0006", "0.0015", "0.004"])
PER = st.sampled_from([[], ["tenant"], ["key"], ["model"], ["tenant", "model"]])


@st.composite
def budgets(draw: st.DrawFn, targets: list[dict[str, Any]]) -> dict[str, Any]:
    """A budget that covers some of the calls, or an unlimited one; a prompt is 20 tokens long and
    an answer at most 50.
    """
    hard = draw(HARD_USD)
    per = draw(PER)
    budget: dict[str, Any] = {"period": "month", "per": per}
    if hard is not None:
        budget["hard_usd"] = hard
    if "model" not in per and (hard is None or draw(st.booleans())):
        budget |= {"soft_usd": "0" if hard == "0" else "0.0006", "cheaper": [targets[-1]["provider"]]}
    return budget if "hard_usd" in budget or "soft_usd" in budget else budget | {"hard_usd": "1"}


@st.composite
def worlds_with_budgets(draw: st.DrawFn) -> Drawn:
    """Any run with one or two budgets."""
    drawn = draw(WORLDS)
    some = draw(st.lists(budgets(drawn.stack["target"]), min_size=1, max_size=2))
    return replace(drawn, stack=drawn.stack | {"budget": some})


def no_account_is_overdrawn(drawn: Drawn, watching: Watched) -> None:
    for key, account in watching.seen:
        hard = drawn.stack["budget"][int(key.split("/")[1].removeprefix("month-")) - 1].get("hard_usd")
        assert hard is None or account.used_nusd <= dollars_nusd(hard), key
        assert account.reserved_nusd >= 0, key


@pytest.mark.parametrize("shard", range(SHARDS))
def test_any_run_keeps_its_budgets_and_pays_each_attempt_once(shard: int) -> None:
    rejected = 0

    @seed(shard)
    @settings(DRAWN, max_examples=WORLDS_A_SHARD)
    @given(drawn=worlds_with_budgets())
    def in_any_world(drawn: Drawn) -> None:
        nonlocal rejected
        with watched() as watching:
            remains = play(drawn)
        no_account_is_overdrawn(drawn, watching)
        assert all(account.reserved_nusd == 0 for account in watching.last.values())
        cost_nusd = sum(attempt.cost_nusd for attempt in remains.attempts)
        for n in range(len(drawn.stack["budget"])):
            accounts = [a for key, a in watching.last.items() if key.startswith(f"budget/month-{n + 1}")]
            assert sum(account.spent_nusd for account in accounts) == cost_nusd
        turned_away = [a for a in remains.attempts if a.error_kind == "rejected_budget"]
        assert not any(attempt.sent or attempt.cost_nusd for attempt in turned_away)
        rejected += sum(kind == "rejected_budget" for _, kind in remains.outcomes)
        assert remains.idle_tasks == ()

    in_any_world()
    assert rejected > WORLDS_A_SHARD // 4, "the budgets were too large to matter"
