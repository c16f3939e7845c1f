"""The gateway behind a real proxy with an idle timeout (litellm#34374)."""

import json
import shutil
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.processes import brownout, started

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b;
  fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {upstream}; proxy_read_timeout 2s; proxy_buffering off; proxy_http_version 1.1;
    }}
  }}
}}
"""
TTFT_S = 4.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def ask(url: str) -> httpx.Response:
    """One streamed call, as soon as the proxy listens."""
    body = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "in about 5 tokens"}]}
    for _ in range(200):
        try:
            return httpx.post(url, json=body, timeout=60, trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the proxy does not listen")


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize(("keepalive_s", "status"), [("0", 504), ("0.5", 200)])
def test_a_proxy_with_an_idle_timeout_cuts_a_stream_only_without_heartbeats(
    keepalive_s: str, status: int, tmp_path: Path
) -> None:
    """nginx gives up after 2 seconds without a byte; the first token comes after 4."""
    assert NGINX is not None
    with started(brownout("mock", "--json"), tmp_path) as mock:
        assert mock.stdout is not None
        urls = json.loads(mock.stdout.readline())
        env = {f"{name.upper()}_BASE_URL": urls[name] for name in ("openai", "anthropic", "together")}
        env |= {f"{name}_API_KEY": "k" for name in ("OPENAI", "ANTHROPIC", "TOGETHER")}
        slow = [{"kind": "slow_first_token", "extra_s": TTFT_S}]
        httpx.post(f"{urls['admin']}/_mock/faults", json=slow, trust_env=False).raise_for_status()
        command = brownout("gateway", "full", "--json", "--keepalive-s", keepalive_s)
        with started(command, tmp_path, env) as gateway:
            assert gateway.stdout is not None
            upstream = json.loads(gateway.stdout.readline())["url"].removesuffix("/v1")
            port = free_port()
            written = CONFIGURATION.format(folder=tmp_path, port=port, upstream=upstream)
            (tmp_path / "nginx.conf").write_text(written)
            proxy = [NGINX, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "start.log")]
            with started(proxy, tmp_path):
                response = ask(f"http://127.0.0.1:{port}/v1/chat/completions")
    assert response.status_code == status
    assert ("data: [DONE]" in response.text) is (status == 200)
