"""Fields of Gemini's requests: in camel case or, as protocol buffers allow, in snake case."""

import re
from typing import Any

from ...exchange.bad_field import Path
from ..fields import Fields


class CamelFields(Fields):
    """The fields of one JSON object, read by their names in camel case."""

    __slots__ = ()

    def __init__(self, values: Any, path: Path = ()) -> None:
        if isinstance(values, dict):
            values = {_camel(key): value for key, value in values.items()}
        super().__init__(values, path)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
