"""The API keys that stacks send to the mock providers, which accept any key."""

from harness.spec.subject import Subject

PROVIDER_KEY = "sk-brownout"


def named_keys(subject: Subject, provider: str) -> dict[str, str]:
    """The values of the keys that a subject's stack names for a provider: "b" is "sk-brownout-b"."""
    targets = subject.stack.target if subject.stack is not None else ()
    return {
        name: f"{PROVIDER_KEY}-{name}"
        for target in targets
        if target.provider == provider and target.keys is not None
        for name in target.keys.names
    }
