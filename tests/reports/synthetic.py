"""Made-up runs for tests: rows with sensible defaults, and an outage that looks like a real one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reports.record.run import Run, write_run

Row = dict[str, Any]

_PRICES = {"gpt-4o": (2500, 10000), "claude-sonnet": (3000, 15000), "llama-3-70b": (880, 880)}
_PROVIDERS = {"gpt-4o": "openai", "claude-sonnet": "anthropic", "llama-3-70b": "together"}


def call(call_id: str = "c0", **facts: Any) -> Row:
    """A streamed call planned and sent at 1.0 s, first content at 1.4 s, three contents, done at 2.0 s."""
    row: Row = {
        "subject": "full",
        "call_id": call_id,
        "n": 0,
        "tenant": "acme",
        "stream": True,
        "planned_s": 1.0,
        "started_s": 1.0,
        "first_s": 1.4,
        "end_s": 2.0,
        "outcome": "success",
        "status": 200,
        "input_tokens": 100,
        "output_tokens": 4,
        "chunk_s": [1.4, 1.6, 1.9],
        "finish_reason": "stop",
        "provider": "openai",
        "model": "gpt-4o",
        "cache": "off",
        "attempts": 1,
        "cost_nusd": 290_000,
        "answer_right": True,
    }
    return {**row, **facts}


def failed_call(call_id: str = "c0", **facts: Any) -> Row:
    """A call whose provider answered 503 at once."""
    nothing: Row = {
        "first_s": None,
        "chunk_s": [],
        "output_tokens": 0,
        "finish_reason": None,
        "answer_right": None,
    }
    failure = {"outcome": "failed", "error_kind": "server_error", "status": 503, "end_s": 1.1, "cost_nusd": 0}
    return call(call_id, **{**nothing, **failure, "provider": None, "model": None, **facts})


def attempt(attempt_id: str = "c0/1", **facts: Any) -> Row:
    call_id, n = attempt_id.rsplit("/", 1)
    row: Row = {
        "subject": "full",
        "call_id": call_id,
        "attempt_id": attempt_id,
        "n": int(n),
        "kind": "primary",
        "provider": "openai",
        "model": "gpt-4o",
        "started_s": 1.0,
        "first_s": 1.39,
        "end_s": 2.0,
        "outcome": "success",
        "status": 200,
        "limiter_wait_s": 0.0,
        "backoff_s": 0.0,
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "output_tokens": 4,
        "usage_known": True,
        "cost_nusd": 290_000,
    }
    return {**row, **facts}


def failed_attempt(attempt_id: str = "c0/1", **facts: Any) -> Row:
    failure = {
        "outcome": "failed",
        "error_kind": "server_error",
        "status": 503,
        "first_s": None,
        "cost_nusd": 0,
    }
    return attempt(attempt_id, **{**failure, "input_tokens": 0, "output_tokens": 0, **facts})


def ledger_row(attempt_id: str | None = "c0/1", **facts: Any) -> Row:
    row: Row = {
        "subject": "full",
        "attempt_id": attempt_id,
        "request_id": f"req-{attempt_id}",
        "provider": "openai",
        "model": "gpt-4o",
        "endpoint": "chat.completions",
        "key_id": "key-abc123",
        "region": "us",
        "stream": True,
        "received_s": 1.01,
        "status": 200,
        "ended": "complete",
        "input_tokens": 100,
        "cached_input_tokens": 0,
        "output_tokens": 4,
        "planned_output_tokens": 4,
        "cost_nusd": 290_000,
        "first_scheduled_s": 1.37,
        "first_sent_s": 1.38,
        "last_scheduled_s": 1.95,
        "last_sent_s": 1.96,
        "chunks_planned": 3,
        "chunks_sent": 3,
        "answer": "right",
        "prompt_digest": "0123456789abcdef",
    }
    return {**row, **facts}


def failed_ledger_row(attempt_id: str | None = "c0/1", **facts: Any) -> Row:
    free = {"status": 503, "ended": "error", "error": "server_error", "cost_nusd": 0, "output_tokens": 0}
    unsent = {"first_sent_s": None, "last_sent_s": None, "chunks_sent": 0, "answer": None}
    return ledger_row(attempt_id, **{**free, **unsent, **facts})


def manifest(*subjects: str | Row, **keys: Any) -> Row:
    base: Row = {
        "schema_version": 2,
        "id": "outage-20260101-120000",
        "scenario": "outage",
        "title": "OpenAI goes down",
        "description": "Twenty chat calls a second while OpenAI answers 503 for ten seconds.",
        "engine": "virtual",
        "seed": 7,
        "duration_s": 30.0,
        "subjects": [
            {"name": name, "title": name.title(), "stack": name, "via": "gateway"}
            if isinstance(name, str)
            else name
            for name in subjects
        ],
    }
    return {**base, **keys}


def run_of(
    path: Path,
    calls: Sequence[Row],
    attempts: Sequence[Row] = (),
    ledger: Sequence[Row] = (),
    subjects: Sequence[str | Row] = ("full",),
    **keys: Any,
) -> Run:
    """A written run of the given rows; `keys` go into the manifest."""
    return write_run(path, manifest(*subjects, **keys), calls, attempts, ledger)


OUTAGE: Row = {
    "engine": "locust",
    "started_at": "2026-01-01T12:00:00Z",
    "command": "brownout run outage --seed 7",
    "versions": {"brownout": "0.1.0", "python": "3.11.7", "locust": "2.47.0"},
    "host": {"cpus": 2, "platform": "Linux-6.1-x86_64"},
    "git_revision": "4f2c1d9",
    "profile": "page",
    "arrivals": "poisson 20/s",
    "workload": "64 questions, Zipf 1.1",
    "faults": [
        {
            "kind": "outage",
            "provider": "openai",
            "model": None,
            "from_s": 10.0,
            "to_s": 20.0,
            "probability": 1.0,
        }
    ],
    "slo": {"ttft_s": 2.0, "e2e_s": 15.0},
    "claims": [
        {
            "text": "The full stack hides a ten-second outage",
            "subject": "full",
            "metric": "success_rate",
            "expected": ">= 0.999",
        },
        {
            "text": "Without it the outage shows",
            "subject": "naive",
            "metric": "success_rate",
            "expected": "<= 0.85",
        },
        {
            "text": "Failover stays below 0.5 s",
            "subject": "full",
            "metric": "failover_s_p95",
            "expected": "<= 0.5",
        },
        {
            "text": "No hallucinations",
            "subject": "full",
            "metric": "hallucination_rate",
            "expected": "== 0",
        },
    ],
    "generator": {
        "naive": {"cpu_percent_max": 31.0, "late_starts": 0},
        "full": {"cpu_percent_max": 34.0, "late_starts": 0},
    },
}


def outage_run(path: Path, calls: int = 600, subjects: Sequence[str] = ("naive", "full"), **keys: Any) -> Run:
    """A run of 30 s with OpenAI down from 10 to 20 s: naive fails, the others retry and fall back."""
    tables: dict[str, list[Row]] = {"calls": [], "attempts": [], "ledger": []}
    generator = {name: {"cpu_percent_max": 31.0 + i, "late_starts": 0} for i, name in enumerate(subjects)}
    for k, subject in enumerate(subjects):
        draws = np.random.default_rng(7)  # the same luck for every subject
        planned = np.sort(draws.uniform(0, 30, calls))
        for n in range(calls):
            luck = draws.uniform(size=8)
            _play(tables, subject, n, float(planned[n]), luck, resilient=k > 0)
    facts = {**OUTAGE, "generator": generator, **keys}
    claims = [claim for claim in facts["claims"] if claim["subject"] in subjects]
    return write_run(path, manifest(*subjects, **{**facts, "claims": claims}), **tables)


def _play(
    tables: Mapping[str, list[Row]], subject: str, n: int, planned: float, luck: Any, *, resilient: bool
) -> None:
    call_id = f"{subject}-{n:05d}"
    sent = planned + 0.001 + 0.004 * luck[0]
    tokens_in, tokens_out = 200 + int(800 * luck[1]), 40 + int(160 * luck[2])
    base: Row = {
        "subject": subject,
        "n": n,
        "planned_s": planned,
        "started_s": sent,
        "input_tokens": tokens_in,
    }
    base |= {"question_id": f"q{n % 64}", "difficulty": "easy", "cache": "miss" if resilient else "off"}
    if resilient and n > 64 and luck[3] < 0.18:
        times = [sent + 0.003 + 0.0001 * i for i in range(20)]
        facts = {"output_tokens": tokens_out, "cache": "exact", "attempts": 0, "cost_nusd": 0}
        replayed = {**base, **facts, "chunk_s": times, "first_s": times[0], "end_s": times[-1]}
        tables["calls"].append(call(call_id, **replayed))
        return
    plan = ["gpt-4o", "gpt-4o", "claude-sonnet"] if resilient else ["gpt-4o"]
    now, kinds = sent + 0.002, ["primary", "retry", "fallback"]
    for number, model in enumerate(plan, 1):
        attempt_id = f"{call_id}/{number}"
        target = {"subject": subject, "provider": _PROVIDERS[model], "model": model}
        facts = {**target, "started_s": now}
        facts |= {"kind": kinds[number - 1], "backoff_s": 0.0 if number == 1 else 0.1 * luck[4]}
        request = {
            "subject": subject,
            "provider": _PROVIDERS[model],
            "model": model,
            "received_s": now + 0.001,
        }
        down = model == "gpt-4o" and 10 <= now < 20
        broken = not down and number == 1 and luck[5] < 0.012
        if down or broken:
            kind, status = ("server_error", 503) if down else ("truncated", 200)
            end = now + (0.02 if down else 0.7)
            cost = 0 if down else tokens_in * _PRICES[model][0] + 12 * _PRICES[model][1]
            tables["attempts"].append(
                failed_attempt(attempt_id, **facts, end_s=end, error_kind=kind, cost_nusd=cost)
                | {"status": status, "usage_known": down}
            )
            tables["ledger"].append(
                failed_ledger_row(attempt_id, **request)
                | {
                    "cost_nusd": cost,
                    "status": status,
                    "ended": "error" if down else "reset",
                    "fault": "outage",
                }
                | {"input_tokens": tokens_in, "output_tokens": 0 if down else 12}
            )
            now = end + 0.1 * luck[4]
            continue
        _answer(tables, call_id, attempt_id, base, facts, request, model, tokens_out, luck)
        return
    tables["calls"].append(
        failed_call(
            call_id,
            **{
                **base,
                "end_s": now,
                "attempts": len(plan),
                "error_kind": kind,
                "status": status,
                "cost_nusd": cost,
            },
        )
    )


def _answer(
    tables: Mapping[str, list[Row]],
    call_id: str,
    attempt_id: str,
    base: Row,
    facts: Row,
    request: Row,
    model: str,
    tokens_out: int,
    luck: Any,
) -> None:
    tokens_in = base["input_tokens"]
    cost = tokens_in * _PRICES[model][0] + tokens_out * _PRICES[model][1]
    first = facts["started_s"] + 0.4 * float(np.exp(0.35 * (luck[6] * 4 - 2)))
    pace = 0.02 * float(np.exp(0.25 * (luck[7] * 4 - 2)))
    contents = [first + pace * i for i in range(tokens_out // 2)]
    end = contents[-1] + 0.002
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out, "cost_nusd": cost}
    tables["attempts"].append(attempt(attempt_id, **facts, **usage, first_s=first + 0.0005, end_s=end))
    sent = {"first_scheduled_s": first, "first_sent_s": first, "last_sent_s": contents[-1]}
    tables["ledger"].append(ledger_row(attempt_id, **request, **usage, **sent))
    seen = [moment + 0.001 + 0.002 * float(luck[0]) for moment in contents]
    answered = {"first_s": seen[0], "end_s": seen[-1] + 0.001, "chunk_s": seen, "output_tokens": tokens_out}
    answered |= {"provider": facts["provider"], "model": model, "cost_nusd": cost}
    answered |= {"attempts": int(attempt_id.rsplit("/", 1)[1]), "answer_right": bool(luck[1] < 0.93)}
    tables["calls"].append(call(call_id, **{**base, **answered}))
