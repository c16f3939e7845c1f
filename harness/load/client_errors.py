"""Errors of a user's own client: the number of each kind of exception, and the first traceback of each."""

import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..stack.config.toml_file import CONTROL

HARNESS = str(Path(__file__).parents[1])
MOST_KINDS = 50
MOST_CHARS = 8_000
"""Limits on the kinds that are kept and on a traceback's length: an exception may carry a whole prompt."""


@dataclass(slots=True)
class KeptError:
    """One kind of exception: how often it was raised, and its first call, message and traceback."""

    exception: str
    count: int
    first_call: str
    message: str
    traceback: str


class ClientErrors:
    """The exceptions of one subject's client, in the order in which their kinds appeared."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptError] = {}

    def note(self, call_id: str, error: BaseException) -> str:
        """Count an exception; returns the name of its kind, "ValueError" or "openai.OpenAIError"."""
        name = exception_name(error)
        known = self._kept.get(name)
        if known is not None:
            known.count += 1
        elif len(self._kept) < MOST_KINDS:
            text = _traceback(error)
            self._kept[name] = KeptError(name, 1, call_id, first_line(error), text)
        return name

    def as_rows(self) -> list[dict[str, Any]]:
        """The kinds as the manifest holds them, the most frequent first."""
        return [asdict(each) for each in sorted(self._kept.values(), key=lambda each: -each.count)]


def exception_name(error: BaseException) -> str:
    """The exception's class, with its module unless it is built in or defined in a subject's file."""
    cls = type(error)
    package = cls.__module__.partition(".")[0]
    plain = package == "builtins" or package.startswith("brownout_subject")
    return cls.__qualname__ if plain else f"{package}.{cls.__name__}"


def first_line(error: BaseException) -> str:
    """The message in one line of at most 300 characters."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  # the exception's own __str__ may raise
        text = "(its message cannot be read)"
    return _plain(text if len(text) <= 300 else text[:299] + "…")


def _traceback(error: BaseException) -> str:
    """The traceback without the harness's own frames."""
    try:
        found = traceback.TracebackException.from_exception(error, limit=-30)
        kept = [frame for frame in found.stack if not frame.filename.startswith(HARNESS)]
        found.stack = traceback.StackSummary.from_list(kept)
        text = "".join(found.format())
    except Exception:  # noqa: BLE001  # the exception's own __str__ may raise
        text = exception_name(error)
    return _plain(text if len(text) <= MOST_CHARS else text[:200] + "\n…\n" + text[-MOST_CHARS + 200 :])


def _plain(text: str) -> str:
    r"""The text with half characters (lone surrogates), which no file can hold, and control characters, which
    a terminal would obey, escaped: `\x1b`."""
    encodable = text.encode("utf-8", "backslashreplace").decode()
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", encodable)
