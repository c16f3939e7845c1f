"""asyncio's streams on the in-memory network."""

import asyncio

import pytest

from harness.virtual import LeakReport, run_virtual


def now() -> float:
    return asyncio.get_running_loop().time()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1000):
        writer.write(data)
        await writer.drain()
    writer.close()
    await writer.wait_closed()


def test_a_stream_goes_there_and_back() -> None:
    payload = bytes(range(256)) * 8000

    async def main() -> bytes:
        async with await asyncio.start_server(echo, "localhost", 7000):
            reader, writer = await asyncio.open_connection("localhost", 7000)

            async def send() -> None:
                for start in range(0, len(payload), 50_000):
                    writer.write(payload[start : start + 50_000])
                    await writer.drain()
                writer.write_eof()

            _, got = await asyncio.gather(send(), reader.read())
            writer.close()
            await writer.wait_closed()
            return got

    left: list[LeakReport] = []
    assert run_virtual(main(), on_leak_report=left.append) == payload
    assert left == [LeakReport()]


def test_drain_waits_for_a_slow_reader_in_virtual_time() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)
        await reader.read()
        writer.close()

    async def main() -> tuple[float, int]:
        async with await asyncio.start_server(slow, "localhost", 7000):
            _, writer = await asyncio.open_connection("localhost", 7000)
            written = 0
            while now() == 0.0:
                writer.write(bytes(10_000))
                written += 10_000
                await writer.drain()
            drained_s = now()
            writer.close()
            await writer.wait_closed()
            return drained_s, written

    drained_s, written = run_virtual(main())
    assert drained_s == 60.0
    assert 256 * 1024 < written < 1024 * 1024


def test_a_reset_surfaces_in_the_reader() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200")
        await asyncio.sleep(1)
        writer.transport.abort()

    async def main() -> bytes:
        async with await asyncio.start_server(hang_up, "localhost", 7000):
            reader, writer = await asyncio.open_connection("localhost", 7000)
            got = await reader.readexactly(12)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            return got

    assert run_virtual(main()) == b"HTTP/1.1 200"
