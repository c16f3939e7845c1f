"""The paths of the gateway, lenient about how clients join them to a base URL."""

_PREFIXES = frozenset(("v1", "api", "openai"))


def canonical(path: str) -> str:
    """The path as OpenAI has it: `/v1/…` whatever prefixes and slashes came before and behind it.

    SDKs append `/v1` or not, so a base URL with, without or with a doubled `/v1` leads to the same endpoint.
    """
    segments = [segment for segment in path.split("/") if segment]
    while segments and segments[0] in _PREFIXES:
        del segments[0]
    joined = "/" + "/".join(segments)
    return joined if joined == "/health" else f"/v1{joined}".rstrip("/")
