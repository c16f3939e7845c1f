"""The endpoint property under coverage-guided fuzzing: atheris looks for inputs that reach new lines.

Not part of the tests. `pip install atheris`, then
`python -m tests.fuzz.fuzz_atheris -len_control=0 -max_len=8192 -max_total_time=300`: libFuzzer's arguments.
"""

import sys
from importlib import import_module
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

atheris: Any = import_module("atheris")
with atheris.instrument_imports(include=["mock_providers"]):
    from tests.fuzz.fuzz_requests import mutated_requests
    from tests.fuzz.fuzz_valid import CALLS, Call
    from tests.fuzz.fuzz_world import Sent, play
    from tests.fuzz.test_fuzz_endpoints import ask_all


def _some_of(call: Call) -> st.SearchStrategy[tuple[Call, list[Sent]]]:
    return st.tuples(st.just(call), st.lists(mutated_requests(call), min_size=1, max_size=3))


@given(session=st.sampled_from(CALLS).flatmap(_some_of))
def holds(session: tuple[Call, list[Sent]]) -> None:
    """Every reply has the protocol's shape."""
    play(ask_all(*session))


if __name__ == "__main__":
    atheris.Setup(sys.argv, holds.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]  # set by given()
    atheris.Fuzz()
