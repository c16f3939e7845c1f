"""The stack and the run record know the same kinds: neither imports the other, so a test compares them."""

from typing import get_args

from harness.stack.core.kinds import ATTEMPT_KINDS, ERROR_KINDS, AttemptKind
from reports.record import kinds


def test_the_record_has_every_error_kind_of_the_stack_and_the_clients_own_error() -> None:
    assert set(kinds.ERROR_KINDS) == {*ERROR_KINDS, "client_error"}


def test_the_record_has_every_attempt_kind_of_the_stack_in_its_order() -> None:
    assert kinds.ATTEMPT_KINDS == tuple(ATTEMPT_KINDS) == get_args(AttemptKind)
    assert tuple(name for name, role in ATTEMPT_KINDS.items() if role.auxiliary) == kinds.AUXILIARY_KINDS


def test_what_is_refused_by_us_was_never_sent_and_counts_against_nobody() -> None:
    refused = {name: kind for name, kind in ERROR_KINDS.items() if name.startswith("rejected_")}
    assert not any(kind.retryable or kind.may_be_billed or kind.shed for kind in refused.values())
    assert {kind.breaker for kind in refused.values()} == {"none"}
    assert all(400 <= kind.status < 600 for kind in ERROR_KINDS.values())
