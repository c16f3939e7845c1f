"""Options are strict: no bool or string as a number; integers as floats and arrays as tuples are accepted."""

from typing import Any

import pytest
from pydantic import ValidationError

from mock_providers.exchange.options import Options
from mock_providers.latency.distributions import Constant
from mock_providers.latency.pacing import Pace
from mock_providers.limits.limits import Limits


@pytest.mark.parametrize("value", [True, "5", 5.0, [5]])
def test_an_integer_is_an_integer(value: Any) -> None:
    assert Limits.model_validate({"concurrency": 5}).concurrency == 5
    with pytest.raises(ValidationError, match="valid integer"):
        Limits.model_validate({"concurrency": value})


@pytest.mark.parametrize("value", [True, "5", [5]])
def test_a_float_is_a_number(value: Any) -> None:
    assert Constant.model_validate({"value_s": 5}).value_s == 5.0
    with pytest.raises(ValidationError, match="valid number"):
        Constant.model_validate({"value_s": value})


def test_a_tuple_is_written_as_an_array() -> None:
    assert Pace.model_validate({"tokens_per_s": 1.0, "chunk_tokens": [2, 3]}).chunk_tokens == (2, 3)


def test_every_options_class_is_strict() -> None:
    def subclasses(of: type[Options]) -> list[type[Options]]:
        return [each for sub in of.__subclasses__() for each in (sub, *subclasses(sub))]

    assert [each for each in subclasses(Options) if not each.model_config.get("strict")] == []
