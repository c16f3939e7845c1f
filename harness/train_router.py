"""Train the heuristic router on one half of a catalogue, judge it by both: `python -m harness.train_router`.

A question wants the large tier when it is not easy. Nothing is drawn: the same catalogue gives the same
weights. What it prints for the half that it has not seen is what the router is worth.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from .load.workload.catalogue import Question, load_catalogue
from .load.workload.halves import Half, in_half
from .load.workload.options import WorkloadOptions, load_workload
from .stack.routing.features import NAMES, features
from .stack.routing.heuristic import Weights
from .stack.routing.training import train

L2 = 0.1
OUT = Path(__file__).parent / "stack" / "routing" / "heuristic.json"


@dataclass(frozen=True, slots=True)
class Judged:
    """How well a classifier does on some questions.

    `large`: the share that wants the large tier, which is what always saying so would get right. `right`: the
    share it gets right at a threshold of 0.5. `auc`: how often a question that wants it scores above one that
    does not, ties counting half; 0.5 is worth nothing.
    """

    questions: int
    large: float
    right: float
    auc: float


def wants_large(question: Question) -> bool:
    """The label."""
    return question.difficulty != "easy"


def trained(questions: tuple[Question, ...]) -> Weights:
    """The classifier that the training half of these questions gives."""
    half = in_half(questions, "train")
    return train(NAMES, [features(q.question) for q in half], [wants_large(q) for q in half], l2=L2)


def judged(weights: Weights, questions: tuple[Question, ...], half: Half) -> Judged:
    """How well it does on one half."""
    some = in_half(questions, half)
    scores = [(weights.score(features(q.question)), wants_large(q)) for q in some]
    yes = [score for score, large in scores if large]
    no = [score for score, large in scores if not large]
    above = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
    return Judged(
        questions=len(some),
        large=round(len(yes) / len(some), 4),
        right=round(sum((score >= 0.5) == large for score, large in scores) / len(some), 4),
        auc=round(above / (len(yes) * len(no)), 4),
    )


def main(
    catalogue: Annotated[Path | None, typer.Argument(help="Questions (NDJSON); the ones that ship.")] = None,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = OUT,
) -> None:
    """Train, write the weights, and print how they do on the half they were trained on and on the other."""
    path = catalogue or load_workload(WorkloadOptions()).catalogue
    questions = load_catalogue(path)
    weights = trained(questions)
    halves = {half: judged(weights, questions, half) for half in ("train", "test")}
    told = {"catalogue": path.name, "l2": L2, "halves": {half: asdict(of) for half, of in halves.items()}}
    out.write_text(json.dumps(weights.as_json() | {"trained": told}, indent=2) + "\n", "utf-8")
    typer.echo(f"{'half':<6} {'questions':>9} {'want large':>10} {'right':>6} {'AUC':>6}")
    for half, of in halves.items():
        typer.echo(f"{half:<6} {of.questions:>9} {of.large:>10.1%} {of.right:>6.1%} {of.auc:>6.3f}")


if __name__ == "__main__":
    typer.run(main)
