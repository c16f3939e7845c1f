"""What a budget knows of one period: what was spent, and what is reserved for calls under way. Pure.

Money is reserved before it is spent and never beyond the limit, so however many calls are under way, what
they spend together stays within it as long as none spends more than was reserved for it.
"""

from typing import NamedTuple


class Account(NamedTuple):
    """Nano-dollars of one period."""

    period: int
    reserved_nusd: int = 0
    spent_nusd: int = 0

    @property
    def used_nusd(self) -> int:
        """What is gone, or may yet be."""
        return self.reserved_nusd + self.spent_nusd


class Granted(NamedTuple):
    """What was reserved, and in which period; `cheaper` when it was the lesser amount."""

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
    """The account after `nusd` were asked for, and what was granted, None when that is beyond the hard limit.

    What would go beyond the soft limit is granted `cheaper_nusd` instead. A period that has gone by is not
    reserved in: another clock may be ahead of ours.
    """
    now = account if account is not None and account.period >= period else Account(period)
    cheaper = soft_nusd is not None and cheaper_nusd is not None and now.used_nusd + nusd > soft_nusd
    if cheaper and cheaper_nusd is not None:
        nusd = cheaper_nusd
    if hard_nusd is not None and now.used_nusd + nusd > hard_nusd:
        return now, None
    return now._replace(reserved_nusd=now.reserved_nusd + nusd), Granted(now.period, nusd, cheaper)


def spend(account: Account | None, period: int, nusd: int) -> Account:
    """The account after something was spent that had not been reserved."""
    now = account if account is not None and account.period >= period else Account(period)
    return now._replace(spent_nusd=now.spent_nusd + nusd)


def settle(account: Account | None, period: int, returned_nusd: int, spent_nusd: int) -> Account:
    """The account after something reserved in `period` was spent, or not needed.

    When the next period has begun, the one that it belongs to is history.
    """
    if account is None or account.period != period:
        return account or Account(period)
    return account._replace(
        reserved_nusd=account.reserved_nusd - returned_nusd, spent_nusd=account.spent_nusd + spent_nusd
    )
