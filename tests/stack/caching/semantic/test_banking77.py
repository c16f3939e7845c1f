"""Real customer questions: the same category is the right answer. Prints the whole curve (`pytest -s`)."""

import csv
import sys
from hashlib import blake2b

import numpy as np
import pytest

from harness.stack.caching.semantic.curve import Point, Trial, play
from harness.stack.caching.semantic.embedding.minilm import MiniLM
from harness.stack.caching.semantic.embedding.ngrams import NgramEmbedder
from harness.stack.core.errors import ConfigError
from tests.paths import DATA

QUESTIONS = DATA / "banking77_train.csv"
WARM = 3000
FEWER = 2000
"""Asked of MiniLM, which takes a hundred times as long."""
THRESHOLDS = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
DELTAS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)

pytestmark = pytest.mark.skipif(not QUESTIONS.exists(), reason=f"{QUESTIONS.name} is not beside the project")


@pytest.fixture(scope="module", params=["ngrams", "minilm"])
def trial(request: pytest.FixtureRequest) -> Trial:
    """3,000 questions to learn from, others as a test; which is which is drawn by their text."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    rows.sort(key=lambda row: blake2b(row[0].encode()).digest())
    if request.param == "minilm":
        rows = rows[: WARM + FEWER]
    texts, answers = [text for text, _ in rows], [answer for _, answer in rows]
    try:
        embedder = MiniLM() if request.param == "minilm" else NgramEmbedder()
    except ConfigError as error:
        pytest.skip(str(error))
    return play(texts, answers, embedder.vectors(texts), WARM)


def show(*lines: str) -> None:
    sys.stdout.write("\n" + "\n".join(lines))


def line(name: str, point: Point) -> str:
    return f"{name:24} {point.hit_rate:8.2%} {point.false_hit_share:10.2%} {point.upper_95:9.2%}"


def test_the_whole_curve_is_printed(trial: Trial) -> None:
    nearest = np.mean(trial.right)
    show(
        f"{WARM} cached, {len(trial.right)} asked; the nearest is right for {nearest:.1%}",
        f"{'policy':24} {'hit rate':>8} {'false hits':>10} {'upper 95%':>9}   (shares of calls)",
        *(line(f"plain at {threshold}", trial.plain(threshold)) for threshold in THRESHOLDS),
        *(line(f"gated at {threshold}", trial.gated(threshold)) for threshold in THRESHOLDS),
        *(line(f"verified, delta {delta:.1%}", trial.verified(delta)) for delta in DELTAS),
    )
    rates = [trial.plain(threshold).hit_rate for threshold in THRESHOLDS]
    assert rates == sorted(rates)
    assert 0.65 < nearest < 0.95


def test_verified_keeps_two_per_cent_and_hits_no_less_than_the_best_threshold(trial: Trial) -> None:
    verified = trial.verified(0.02)
    to_delta, to_same = trial.in_hindsight(0.02), trial.in_hindsight(verified.false_hit_share)
    show(
        line("verified, delta 2 %", verified),
        line("plain, tuned to 2 %", to_delta),
        line("plain, to the same share", to_same),
        line("gated, tuned to 2 %", trial.in_hindsight(0.02, gated=True)),
    )
    assert verified.false_hit_share <= 0.02
    assert verified.upper_95 <= 0.03
    assert verified.hit_rate >= to_delta.hit_rate >= to_same.hit_rate
