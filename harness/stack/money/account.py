"""A budget's account of one period: nano-dollars spent, and reserved for calls in flight. Pure.

Money is reserved before it is spent, and never beyond the limit. So concurrent calls cannot exceed the limit
together, as long as none spends more than was reserved for it.
"""

from typing import NamedTuple


class Account(NamedTuple):
    """Nano-dollars of one period, which is named by the Unix time of its beginning."""

    period: int
    reserved_nusd: int = 0
    spent_nusd: int = 0

    @property
    def used_nusd(self) -> int:
        """Spent and reserved money."""
        return self.reserved_nusd + self.spent_nusd


class Granted(NamedTuple):
    """The amount reserved, and its period; `cheaper` if it is the amount of the cheaper targets."""

    period: int
    nusd: int
    cheaper: bool = False


def reserve(
    account: Account | None,
    period: int,
    nusd: int,
    *,
    hard_nusd: int | None,
    soft_nusd: int | None = None,
    cheaper_nusd: int | None = None,
) -> tuple[Account, Granted | None]:
    """The account after a request for `nusd`, and the grant; None beyond the hard limit.

    A request beyond the soft limit is granted `cheaper_nusd` instead. If the account is in a later period
    than `period` (another process's clock is ahead), the later one is used.
    """
    now = account if account is not None and account.period >= period else Account(period)
    cheaper = soft_nusd is not None and cheaper_nusd is not None and now.used_nusd + nusd > soft_nusd
    if cheaper and cheaper_nusd is not None:
        nusd = cheaper_nusd
    if hard_nusd is not None and now.used_nusd + nusd > hard_nusd:
        return now, None
    return now._replace(reserved_nusd=now.reserved_nusd + nusd), Granted(now.period, nusd, cheaper)


def spend(account: Account | None, period: int, nusd: int) -> Account:
    """The account after an expense without a reservation."""
    now = account if account is not None and account.period >= period else Account(period)
    return now._replace(spent_nusd=now.spent_nusd + nusd)


def settle(account: Account | None, period: int, returned_nusd: int, spent_nusd: int) -> Account:
    """The account after money reserved in `period` was spent or returned.

    Nothing changes if the account is in another period by now.
    """
    if account is None or account.period != period:
        return account or Account(period)
    return account._replace(
        reserved_nusd=account.reserved_nusd - returned_nusd, spent_nusd=account.spent_nusd + spent_nusd
    )


def recovered(fields: list[int]) -> Account:
    """The account written before a restart: what was reserved then counts as spent. Raises `ValueError`."""
    if not all(type(each) is int for each in fields):
        raise ValueError(f"expected an account of whole numbers, got {fields}")
    period, reserved_nusd, spent_nusd = fields
    return Account(period, 0, spent_nusd + reserved_nusd)
