"""The live page: one HTML file with inline style and script, and a content security policy for it.

The policy allows these two by hash and nothing else, so injected markup can neither run nor load anything.
"""

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import NamedTuple


class Page(NamedTuple):
    """Headers and body of a page."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


@cache
def live_page() -> Page:
    """The live page, read from its file once."""
    html = (resources.files(__package__) / "live.html").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(html, 'script')}; style-src {_hash(html, 'style')}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]
    return Page(headers, html.encode("utf-8"))


def _hash(html: str, tag: str) -> str:
    """The CSP source (SHA-256) of the only inline element with this tag."""
    (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
