"""The prompt cache is lost."""

from typing import ClassVar, Literal

from .base import Circumstances, FaultBase


class CacheWipe(FaultBase):
    """What the prompt cache held at `from_s` is lost."""

    summary: ClassVar[str] = "the prompt cache is lost at from_s"

    kind: Literal["cache_wipe"] = "cache_wipe"

    def alter(self, circumstances: Circumstances) -> Circumstances:
        """A cache as of `from_s`."""
        lost_s = max(self.from_s, circumstances.cache_since_s or 0.0)
        return circumstances._replace(cache_since_s=lost_s)
