"""The plan on disk, for load workers in other processes: NDJSON, one call per line.

Texts that calls share (system prompts, questions, answers) have lines of their own, such as
`{"text": 0, "is": "..."}`, before the first call that refers to them by number, so that an hour of calls
with a long system prompt is a small file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from harness.errors import InputError

from .plan import PlannedCall
from .workload.prompt import Exchange, Prompt

_CALL_KEYS = tuple(field.name for field in fields(PlannedCall) if field.name != "prompt")


def write_plan(path: Path, plan: Iterable[PlannedCall]) -> None:
    """Write the calls (a whole plan or a worker's share), replacing the file."""
    with path.open("wb") as file:
        for row in _rows(plan):
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def read_plan(path: Path) -> list[PlannedCall]:
    """Read the calls back. Raises InputError, one line, when the file is missing or is no plan."""
    texts: list[str] = []
    plan: list[PlannedCall] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = orjson.loads(line)
                    if "text" in row:
                        texts.append(row["is"])
                    else:
                        plan.append(_call(row, texts))
                except (ValueError, LookupError, TypeError) as error:
                    raise InputError(f"{path} line {number}: expected a call or a text of a plan") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a plan (NDJSON)") from error
    return plan


def _rows(plan: Iterable[PlannedCall]) -> Iterator[dict[str, Any]]:
    number_of: dict[str, int] = {}
    for call in plan:
        prompt = call.prompt
        texts = [text for turn in prompt.earlier for text in (turn.question, turn.answer)]
        for text in (prompt.system, prompt.question, *texts):
            if text not in number_of:
                number_of[text] = len(number_of)
                yield {"text": number_of[text], "is": text}
        row = {key: getattr(call, key) for key in _CALL_KEYS}
        row["prompt"] = {
            "system": number_of[prompt.system],
            "question": number_of[prompt.question],
            "output_tokens": prompt.output_tokens,
            "filler_chars": prompt.filler_chars,
            "filler_key": prompt.filler_key,
        }
        if prompt.blocks:
            row["prompt"] |= {"blocks": prompt.blocks, "block_tokens": prompt.block_tokens}
        if prompt.earlier:
            row["prompt"]["earlier"] = [
                [
                    number_of[turn.question],
                    turn.output_tokens,
                    turn.filler_chars,
                    turn.filler_key,
                    number_of[turn.answer],
                ]
                for turn in prompt.earlier
            ]
        yield row


def _call(row: dict[str, Any], texts: list[str]) -> PlannedCall:
    recipe = row.pop("prompt")
    recipe["system"] = texts[recipe["system"]]
    recipe["question"] = texts[recipe["question"]]
    recipe["earlier"] = tuple(
        Exchange(texts[question], output_tokens, filler_chars, filler_key, texts[answer])
        for question, output_tokens, filler_chars, filler_key, answer in recipe.get("earlier", [])
    )
    recipe["blocks"] = tuple(recipe.get("blocks", ()))
    return PlannedCall(**row, prompt=Prompt(**recipe))
