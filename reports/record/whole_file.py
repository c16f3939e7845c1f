"""Text files that are written whole or not at all: a disk that fills up leaves no half of one."""

from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8. On an error (OSError) the file is as it was.

    Half characters (lone surrogates, as in file names that are not UTF-8) are escaped, `\\udce9`: the
    same text in JSON.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(text, "utf-8", errors="backslashreplace")
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
