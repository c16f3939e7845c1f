"""Encrypted content: an opaque text that only the provider reads, as of reasoning and of compactions.

OpenAI's is a Fernet token, which begins with "gAAAA". This one is not secret, only checked: the text and its
digest.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

from ...exchange.request import Problem, Refused

_MARK = b"gAAAA"
_DIGEST_BYTES = 8


def sealed(text: str) -> str:
    """The encrypted content of a text."""
    raw = text.encode()
    return (_MARK + urlsafe_b64encode(_digest(raw) + raw)).decode()


def unsealed(content: str) -> str:
    """The text of encrypted content; raises Refused (400) for content of another provider."""
    try:
        raw = content.encode("ascii")
        decoded = urlsafe_b64decode(raw.removeprefix(_MARK))
        digest, text = decoded[:_DIGEST_BYTES], decoded[_DIGEST_BYTES:]
        if raw.startswith(_MARK) and digest == _digest(text):
            return text.decode()
    except ValueError:
        pass
    raise Refused(invalid_encrypted_content(content))


def invalid_encrypted_content(content: str) -> Problem:
    """The content was not made by this provider. Source of the words: openai/codex#8145, sub2api#2863."""
    shown = content if len(content) <= 8 else f"{content[:4]}...{content[-4:]}"
    message = (
        f"The encrypted content {shown} could not be verified. Reason: Encrypted content could not be "
        "decrypted or parsed."
    )
    return Problem(400, "invalid_request_error", message, "invalid_encrypted_content")


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=_DIGEST_BYTES).digest()
