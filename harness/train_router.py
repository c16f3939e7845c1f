"""`python -m harness.train_router`: train the heuristic router on half of a catalogue, evaluate it on both.

A question needs the large tier when it is not easy. Training is deterministic. The figures for the half that
was not used in training are the router's worth.
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
class Evaluation:
    """The quality of a classifier on some questions.

    `large`: share of questions that need the large tier (the accuracy of always choosing it). `right`:
    accuracy at a threshold of 0.5. `auc`: probability that a question that needs the large tier scores above
    one that does not, ties count half; 0.5 is chance.
    """

    questions: int
    large: float
    right: float
    auc: float


def needs_large(question: Question) -> bool:
    """The label: whether the question needs the large tier."""
    return question.difficulty != "easy"


def train_on(questions: tuple[Question, ...]) -> Weights:
    """The weights trained on the training half of these questions."""
    half = in_half(questions, "train")
    return train(NAMES, [features(q.question) for q in half], [needs_large(q) for q in half], l2=L2)


def evaluate(weights: Weights, questions: tuple[Question, ...], half: Half) -> Evaluation:
    """The quality of the weights on one half."""
    some = in_half(questions, half)
    scores = [(weights.score(features(q.question)), needs_large(q)) for q in some]
    yes = [score for score, large in scores if large]
    no = [score for score, large in scores if not large]
    above = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
    return Evaluation(
        questions=len(some),
        large=round(len(yes) / len(some), 4),
        right=round(sum((score >= 0.5) == large for score, large in scores) / len(some), 4),
        auc=round(above / (len(yes) * len(no)), 4),
    )


def main(
    catalogue: Annotated[Path | None, typer.Argument(help="Questions, NDJSON. Default: shipped.")] = None,
    out: Annotated[Path, typer.Option(help="File of the weights.")] = OUT,
) -> None:
    """Train, write the weights, and print their quality on the training half and on the other."""
    path = catalogue or load_workload(WorkloadOptions()).catalogue
    questions = load_catalogue(path)
    weights = train_on(questions)
    halves = {half: evaluate(weights, questions, half) for half in ("train", "test")}
    training = {"catalogue": path.name, "l2": L2, "halves": {half: asdict(of) for half, of in halves.items()}}
    out.write_text(json.dumps(weights.as_json() | {"trained": training}, indent=2) + "\n", "utf-8")
    typer.echo(f"{'half':<6} {'questions':>9} {'need large':>10} {'right':>6} {'AUC':>6}")
    for half, of in halves.items():
        typer.echo(f"{half:<6} {of.questions:>9} {of.large:>10.1%} {of.right:>6.1%} {of.auc:>6.3f}")


if __name__ == "__main__":
    typer.run(main)
