"""Generated records in which calls are not independent: questions, a cache, sessions, an outage.

A world draws `seed`'s plan and luck; two subjects of one seed have the plan in common and a part of the luck.
Sizes are those of a short run: 300 calls of a minute, 60 questions by Zipf's law, so that a few have most
calls.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from reports.metrics import Facts
from reports.record.manifest import Manifest

QUESTIONS, DURATION_S = 60, 60.0
ACCURACY = np.array([0.99, 0.95, 0.77])
OUTAGE_S = (20.0, 30.0)


@dataclass(frozen=True)
class World:
    """`cache`: repeated prompts are replayed, or share the flight under way. `sessions`: calls come in
    sessions of 1 to 8 turns that are alike. `outage`: calls of ten seconds fail. `slower`: a factor on
    TTFT."""

    name: str
    cache: bool = False
    sessions: bool = False
    outage: bool = False
    fresh: float = 0.5
    slower: float = 1.0
    calls: int = 300


@lru_cache(maxsize=1_000)
def facts(world: World, seed: int, subject: int = 0) -> Facts:
    """The facts of one subject; the plan is the seed's, half of the provider's luck is the subject's own."""
    plan, own = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2, subject])
    planned_s, session = _arrivals(world, plan)
    n = len(planned_s)
    zipf = 1 / np.arange(1, QUESTIONS + 1)
    question = plan.permutation(QUESTIONS)[plan.choice(QUESTIONS, n, p=zipf / zipf.sum())]
    fresh = plan.random(n) < world.fresh
    prompt_tokens = np.where(fresh, _lengths(plan, n), _lengths(plan, QUESTIONS)[question])
    mood = plan.normal(size=session.max() + 1)[session] * (0.4 if world.sessions else 0.0)
    luck = plan.normal(size=n) * 0.25 + own.normal(size=n) * 0.25
    ttft_s = world.slower * 0.4 * np.exp(luck + mood + 0.1 * np.log(prompt_tokens / 500))
    e2e_s = ttft_s + prompt_tokens / 400 * np.exp(0.2 * own.normal(size=n))
    failed = own.random(n) < 0.06 * np.exp(2 * mood)
    if world.outage:
        failed |= (planned_s >= OUTAGE_S[0]) & (planned_s < OUTAGE_S[1])
    right = own.random(n) < ACCURACY[question % 3]
    calls = {
        "call_id": np.char.add("c", np.arange(n).astype(str)),
        "n": np.arange(n),
        "question_id": np.char.add("q", question.astype(str)),
        "input_tokens": prompt_tokens,
        "stream": True,
        "planned_s": planned_s,
        "started_s": planned_s,
        "first_s": planned_s + ttft_s,
        "end_s": planned_s + e2e_s,
        "outcome": np.where(failed, "failed", "success"),
        "finish_reason": "stop",
        "cache": "miss" if world.cache else "off",
        "cached_from": None,
        "session": np.char.add("s", session.astype(str)) if world.sessions else None,
        "answer_right": right,
        "held_s": np.nan,
        "cost_nusd": np.where(failed, 0, prompt_tokens * 2_500),
    }
    if world.cache:
        _replay(calls, question * 100_000 + prompt_tokens)
    return _facts(calls)


def _arrivals(world: World, plan: np.random.Generator) -> tuple[Any, Any]:
    """Planned starts, ascending, and each call's session."""
    n = plan.poisson(world.calls)
    if not world.sessions:
        return np.sort(plan.uniform(0, DURATION_S, n)), np.arange(n)
    turns = plan.integers(1, 9, size=max(2, n // 4))
    session = np.repeat(np.arange(len(turns)), turns)
    planned_s = plan.uniform(0, DURATION_S, len(turns))[session] + plan.exponential(5.0, len(session))
    order = np.argsort(planned_s)
    return planned_s[order], session[order]


def _lengths(plan: np.random.Generator, n: int) -> Any:
    return np.clip(np.exp(plan.normal(6.2, 0.8, n)), 20, 4_000).astype(int)


def _replay(calls: dict[str, Any], prompts: Any) -> None:
    """Calls of a prompt that was answered replay its answer; those before its end share its flight."""
    makers: dict[int, int] = {}
    cache = calls["cache"] = np.full(len(prompts), "miss", object)
    cached_from = calls["cached_from"] = np.full(len(prompts), None)
    for i, prompt in enumerate(prompts.tolist()):
        maker = makers.get(prompt)
        if maker is None or calls["outcome"][maker] == "failed":
            makers[prompt] = i
            continue
        flying = calls["end_s"][maker] > calls["planned_s"][i]
        cache[i], cached_from[i] = ("coalesced", None) if flying else ("exact", f"c{maker}")
        for column in ("first_s", "end_s"):
            calls[column][i] = max(calls[column][maker], calls["planned_s"][i])
        calls["outcome"][i], calls["answer_right"][i] = "success", calls["answer_right"][maker]
        calls["cost_nusd"][i] = 0


def _facts(columns: dict[str, Any]) -> Facts:
    calls = pd.DataFrame(columns)
    calls["attempts"] = (calls["cost_nusd"] > 0).astype(int)
    paid = calls[calls["cost_nusd"] > 0]
    ledger = pd.DataFrame({"attempt_id": paid["call_id"] + "/1", "cost_nusd": paid["cost_nusd"]})
    manifest = Manifest.model_validate(
        {
            "scenario": "generated",
            "duration_s": DURATION_S,
            "subjects": [{"name": "full"}],
            "slo": {"ttft_s": 0.6},
        }
    )
    nothing = pd.DataFrame({"call_id": [], "attempt_id": []})
    return Facts(
        "full",
        manifest,
        calls,
        calls,
        calls.set_index("call_id")["question_id"],
        ledger.iloc[:0],
        nothing,
        ledger,
        ledger_kept=True,
    )
