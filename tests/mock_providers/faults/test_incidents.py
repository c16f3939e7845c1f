"""Named incidents load, fit the shipped profiles, and hit at their stated times and rates."""

from collections import Counter
from pathlib import Path

import pytest

from mock_providers import IncidentError, check_faults, load_incident, load_profile, shipped_incidents
from mock_providers.exchange.draws import Draws
from mock_providers.faults import matching_faults
from mock_providers.faults.base import Target

every_incident = pytest.mark.parametrize("name", shipped_incidents())


def share_struck(name: str, target: Target, t_s: float) -> float:
    faults = load_incident(name).faults
    hits = [bool(matching_faults(faults, target, t_s, Draws(seed), Counter())) for seed in range(2000)]
    return sum(hits) / len(hits)


OPENAI = Target("openai", "gpt-4o", "chat.completions", "key-1", "us")
ANTHROPIC = Target("anthropic", "claude-sonnet-4-5", "messages", "key-1", "us")


@every_incident
@pytest.mark.parametrize("profile", ["typical", "today", "observed", "unpaced"])
def test_an_incident_fits_every_profile_that_has_its_provider(name: str, profile: str) -> None:
    incident = load_incident(name)
    assert check_faults(incident.faults, load_profile(profile))
    assert incident.title
    assert incident.source


@pytest.mark.parametrize(
    ("name", "target", "t_s", "expected"),
    [
        ("openai-2024-12-11", OPENAI, 0.0, 0.0),
        ("openai-2024-12-11", OPENAI, 600.0, 0.5),
        ("openai-2024-12-11", OPENAI, 1300.0, 1.0),
        ("openai-2024-12-11", OPENAI, 15_600.0, 0.0),
        ("openai-2024-12-11", ANTHROPIC, 1300.0, 0.0),
        ("openai-2024-12-04", OPENAI, 100.0, 1.0),
        ("openai-2025-06-10", OPENAI, 9000.0, 0.125),
        ("openai-2025-06-10", OPENAI, 20_000.0, 0.25),
        ("anthropic-2025-09-17", ANTHROPIC, 3599.0, 0.16),
        ("anthropic-529-storm", ANTHROPIC, 60.0, 0.3825),
        ("key-revoked", OPENAI, 59.0, 0.0),
        ("key-revoked", OPENAI, 61.0, 1.0),
    ],
)
def test_an_incident_strikes_its_share_at_its_time(
    name: str, target: Target, t_s: float, expected: float
) -> None:
    assert share_struck(name, target, t_s) == pytest.approx(expected, abs=0.04)


def test_an_unknown_incident_is_refused_in_one_line() -> None:
    with pytest.raises(IncidentError, match="incident 'nope': expected one of anthropic-2025-09-17"):
        load_incident("nope")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title = 1", "title"),
        ('title = "t"\ndescription = "d"\nsource = "s"\nfaults = []', "faults"),
        ('title = "t"\ndescription = "d"\nsource = "s"\n[[faults]]\nkind = "quake"', "faults"),
        ("=", "expected TOML"),
    ],
)
def test_a_wrong_incident_is_refused_in_one_line(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(IncidentError) as refused:
        load_incident(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
