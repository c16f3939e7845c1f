"""Output that any terminal can take: signs that its encoding lacks are spelled in ASCII."""

import codecs
import io
import sys

SPELLED = {
    "∞": "inf",
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "≥": ">=",
    "≤": "<=",
    "±": "+-",
    "…": "...",
    "→": "->",
    "●": "*",
    "δ": "delta",
    "\u00a0": " ",
}


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(SPELLED.get(sign, "?") for sign in text), error.end


def print_in_any_encoding() -> None:
    """Let standard output and error spell what they cannot encode, instead of raising UnicodeEncodeError."""
    codecs.register_error("brownout", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="brownout")


def write_json(text: str) -> None:
    """Write JSON to standard output, in UTF-8 whatever the terminal's encoding: JSON has no other."""
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    buffer.write(text.encode())
    buffer.flush()
