"""OpenAI's wording for a request field that is missing, unknown, or of a wrong type or value."""

from ...exchange.bad_field import BadField, Path
from ...exchange.request import Problem

_INVALID = "invalid_request_error"


def bad_field_problem(bad: BadField) -> Problem:
    """The 400 for one wrong field; `param` is its dotted path, `messages[0].role`."""
    name = _dotted(bad.path)
    wrong_type = f"expected {_article(bad.expected)}, but got {_article(_kind(bad.value))} instead"
    too_small = f"Expected a value >= {bad.expected}, but got {bad.value} instead"
    message, code = {
        "missing": (f"Missing required parameter: '{name}'.", "missing_required_parameter"),
        "type": (f"Invalid type for '{name}': {wrong_type}.", "invalid_type"),
        "minimum": (
            f"Invalid '{name}': integer below minimum value. {too_small}.",
            "integer_below_min_value",
        ),
        "choice": (
            f"Invalid value: '{bad.value}'. Supported values are: {bad.expected}.",
            "invalid_value",
        ),
        "unknown": (f"Unrecognized request argument supplied: {name}", None),
        "unsupported": (f"Invalid '{name}': {bad.expected}", "unsupported_value"),
    }[bad.complaint]
    return Problem(400, _INVALID, message, code, None if bad.complaint == "unknown" else name or None)


def _dotted(path: Path) -> str:
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {
        str: "string",
        int: "integer",
        float: "decimal",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names.get(type(value), "value")


def _article(kind: str) -> str:
    return f"an {kind}" if kind[:1] in "aio" else f"a {kind}"
