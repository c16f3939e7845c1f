"""The HTTP transport under the stack."""

from harness.stack.upstream.transport import make_transport, tls_context


def test_all_transports_share_one_tls_context() -> None:
    """A context reads every CA certificate: a process with many stacks pays for that once."""
    first, second = make_transport(), make_transport()
    assert getattr(first, "ssl_context", None) is getattr(second, "ssl_context", None) is tls_context()
