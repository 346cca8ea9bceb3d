"""Who gets in over TCP and WebSocket, and who does not."""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from redraft_server.access import AccessError, Address, is_authorization, read_token
from redraft_server.network import Network, NetworkError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus

TOKEN = "0123456789abcdef-token"
SECONDS = 300.0  # only a test that hangs waits so long
HELLO = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None}}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file modes and signals are those of Unix")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path


def framed(message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


async def read(reader: asyncio.StreamReader) -> Any:
    header = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
    return json.loads(await reader.readexactly(int(header.split(b":")[1])))


async def port(daemons: Any, scheme: str) -> int:
    (status,) = await daemons.statuses()
    (url,) = [url for url in status["sockets"] if url.startswith(f"{scheme}://")]
    return int(url.rpartition(":")[2])


async def ask(client: Any, message: Any) -> Any:
    await client.send(json.dumps(message))
    return json.loads(await asyncio.wait_for(client.recv(), SECONDS))


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("line", "is_let_in"),
    [
        (f"Authorization: Bearer {TOKEN}", True),
        (f"authorization:bearer  {TOKEN}", True),
        (f"Authorization: Bearer {TOKEN}x", False),
        (f"Authorization: Basic {TOKEN}", False),
        (f"Authorization: Bearer {TOKEN[:-1]}\u00e9", False),
        ("Content-Length: 2", False),
        ("", False),
        ("x" * 100_000, False),
    ],
)
async def test_over_tcp_the_first_line_has_the_token(
    daemons: Any, token_file: Path, line: str, is_let_in: bool
) -> None:
    await daemons.serve("--tcp", "127.0.0.1:0", "--token-file", token_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", await port(daemons, "tcp"))
    writer.write(line.encode() + b"\r\n" + framed(HELLO))
    found = await read(reader)
    if is_let_in:
        assert found["result"]["serverInfo"]["name"] == "redraft"
    else:
        assert found["error"] == {"code": -32600, "message": "The token is missing or wrong."}
        assert await asyncio.wait_for(reader.read(), SECONDS) == b""
    writer.close()


async def test_a_message_of_more_than_64_mib_is_refused_and_the_next_one_read(
    daemons: Any, token_file: Path
) -> None:
    await daemons.serve("--tcp", "127.0.0.1:0", "--token-file", token_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", await port(daemons, "tcp"))
    writer.write(f"Authorization: Bearer {TOKEN}\r\n".encode())
    n_bytes = 64 * 2**20 + 1
    writer.write(b"Content-Length: %d\r\n\r\n" % n_bytes + bytes(n_bytes) + framed(HELLO))
    assert (await read(reader))["error"]["code"] == -32700
    assert "result" in await read(reader)
    writer.close()


async def test_over_websocket_each_message_is_a_frame(daemons: Any, token_file: Path) -> None:
    await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    async with connect(url, additional_headers=bearer(), compression="deflate", max_size=None) as client:
        assert client.response.headers.get_all("Sec-WebSocket-Extensions") == []
        assert (await ask(client, HELLO))["result"]["serverInfo"]["name"] == "redraft"
        # The answer repeats the name of a method that does not exist.
        answer = await ask(client, {"jsonrpc": "2.0", "id": 2, "method": "x" * 3_000_000})
        assert answer["error"]["code"] == -32601
        await client.send("{")
        assert json.loads(await client.recv())["error"]["code"] == -32700


async def test_a_frame_of_more_than_64_mib_ends_the_conversation(daemons: Any, token_file: Path) -> None:
    await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    client = await connect(url, additional_headers=bearer())
    await ask(client, HELLO)
    sending = asyncio.create_task(client.send("x" * (64 * 2**20 + 1)))
    with pytest.raises(ConnectionClosedError) as closed:
        await asyncio.wait_for(client.recv(), SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    await daemons.clients(0)
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_websocket_client_that_does_not_read_is_dropped(daemons: Any, token_file: Path) -> None:
    await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    client = await connect(url, additional_headers=bearer(), max_queue=1, max_size=None)
    await client.send(json.dumps(HELLO))
    # The answer repeats the name of a method that does not exist.
    request = json.dumps({"jsonrpc": "2.0", "id": 2, "method": "x" * 2**20})

    async def talk() -> None:
        for _ in range(200):
            await client.send(request)

    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(talk(), SECONDS)
    await daemons.clients(0)
    assert "unread and was dropped" in daemons.log_text


async def test_exit_ends_a_websocket_conversation_and_no_other(daemons: Any, token_file: Path) -> None:
    await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    async with (
        connect(url, additional_headers=bearer()) as one,
        connect(url, additional_headers=bearer()) as two,
    ):
        for client in (one, two):
            await ask(client, HELLO)
        await one.send(json.dumps({"jsonrpc": "2.0", "method": "exit"}))
        await asyncio.wait_for(one.wait_closed(), SECONDS)
        assert (await ask(two, {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}))["result"] is None


@pytest.mark.parametrize(
    ("headers", "origin", "code"),
    [
        ({}, None, 401),
        (bearer(TOKEN + "x"), None, 401),
        ({"Authorization": f"Basic {TOKEN}"}, None, 401),
        (bearer(), "https://evil.example", 403),
        (bearer(), "null", 403),
        (bearer(), "http://127.0.0.1", 403),
        (bearer(), "https://good.example.evil.example", 403),
        (bearer(), "https://good.example", None),
    ],
)
async def test_a_websocket_needs_the_token_and_no_foreign_page(
    daemons: Any, token_file: Path, headers: dict[str, str], origin: str | None, code: int | None
) -> None:
    await daemons.serve(
        *("--ws", "127.0.0.1:0", "--token-file", token_file, "--allow-origin", "https://good.example")
    )
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    connection = connect(url, additional_headers=headers, origin=origin)  # type: ignore[arg-type]
    if code is None:
        async with connection as client:
            assert "result" in await ask(client, HELLO)
    else:
        with pytest.raises(InvalidStatus) as refused:
            await connection
        assert refused.value.response.status_code == code


async def test_an_allowed_page_offers_the_token_as_a_subprotocol(daemons: Any, token_file: Path) -> None:
    await daemons.serve(
        *("--ws", "127.0.0.1:0", "--token-file", token_file, "--allow-origin", "https://good.example")
    )
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    offered: Any = ["redraft", f"redraft.token.{TOKEN}"]
    async with connect(url, origin="https://good.example", subprotocols=offered) as client:  # type: ignore[arg-type]
        assert client.subprotocol == "redraft"
        assert "result" in await ask(client, HELLO)
    with pytest.raises(InvalidStatus):
        await connect(url, subprotocols=["redraft", "redraft.token.wrong"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"Host: 127.0.0.1:1", b"101"),
        (b"Host: localhost", b"101"),
        (b"Host: [::1]:7", b"101"),
        (b"Host: evil.example", b"403"),
        (b"Host: 127.0.0.1.evil.example", b"403"),
        (b"Host: localhost\r\nHost: evil.example", b"403"),
    ],
)
async def test_a_name_that_was_rebound_to_us_is_refused(
    daemons: Any, token_file: Path, host: bytes, status: bytes
) -> None:
    await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    reader, writer = await asyncio.open_connection("127.0.0.1", await port(daemons, "ws"))
    writer.write(
        b"GET / HTTP/1.1\r\n" + host + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.readline(), SECONDS)).split()[1] == status
    writer.close()


async def test_a_loopback_client_with_the_token_may_stop_it(daemons: Any, token_file: Path) -> None:
    process = await daemons.serve("--ws", "127.0.0.1:0", "--token-file", token_file)
    url = f"ws://127.0.0.1:{await port(daemons, 'ws')}"
    async with connect(url, additional_headers=bearer()) as client:
        assert (await ask(client, {"jsonrpc": "2.0", "id": 1, "method": "redraft/stop"}))["result"] is None
    assert await asyncio.to_thread(process.wait, SECONDS) == 0


async def test_a_bridge_joins_a_server_over_tls(
    daemons: Any, token_file: Path, tmp_path: Path, start_editor: Any
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    ca, cert, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate.cert_chain_pems[0].write_to_path(str(cert))
    certificate.private_key_pem.write_to_path(str(key))
    tls = ("--token-file", token_file, "--tls-cert", cert, "--tls-key", key)
    await daemons.serve("--tcp", "127.0.0.1:0", "--ws", "127.0.0.1:0", *tls)
    address = f"127.0.0.1:{await port(daemons, 'tls')}"
    joined = [sys.executable, "-m", "redraft_server.cli", "lsp", "--connect", address]
    options = ("--token-file", str(token_file), "--tls-ca")

    editor = await start_editor(*options, str(ca), command=joined)
    await editor.initialize()
    # Larger than what fits into the buffers on the way.
    text = "x = 1\n" * 500_000
    uri = editor.open(text)
    for number in range(20):
        editor.change(uri, text + f"{number}\n")
    assert (await editor.error("x" * 3_000_000, {}))["code"] == -32601
    await editor.ask("shutdown", None)
    editor.notify("exit", None)
    assert await editor.exit_code() == 0

    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    refused = await start_editor(*options, str(stranger), command=joined)
    assert await refused.exit_code() == 2
    assert f"redraft: {address} cannot be reached: " in (tmp_path / "stderr-1.txt").read_text()

    context = ssl.create_default_context(cafile=str(ca))
    url = f"wss://localhost:{await port(daemons, 'wss')}"
    async with connect(url, additional_headers=bearer(), ssl=context) as client:
        assert "result" in await ask(client, HELLO)


async def test_a_bridge_with_the_wrong_token_ends_with_1(
    daemons: Any, token_file: Path, tmp_path: Path, start_editor: Any
) -> None:
    await daemons.serve("--tcp", "127.0.0.1:0", "--token-file", token_file)
    wrong = tmp_path / "wrong"
    wrong.write_text("fedcba9876543210")
    wrong.chmod(0o600)
    address = f"127.0.0.1:{await port(daemons, 'tcp')}"
    command = [sys.executable, "-m", "redraft_server.cli", "lsp", "--connect", address]
    editor = await start_editor("--token-file", str(wrong), command=command)
    assert (await editor.response(None))["error"]["message"] == "The token is missing or wrong."
    assert await editor.exit_code() == 1


async def test_a_port_that_is_taken_is_said_in_one_sentence(daemons: Any) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    address = f"127.0.0.1:{taken.sockets[0].getsockname()[1]}"
    process = daemons.start("--tcp", address)
    assert await asyncio.to_thread(process.wait, SECONDS) == 1
    assert f"Nothing can listen on {address}: " in daemons.stderr
    assert [path.name for path in daemons.folder.iterdir()] == ["log"]
    taken.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "127.0.0.1.example.org"])
def test_other_machines_need_tls_and_a_token(host: str, tmp_path: Path) -> None:
    safe = {"token_file": tmp_path / "token", "tls_cert": tmp_path / "cert", "tls_key": tmp_path / "key"}
    Network(tcp=Address(host, 1), ws=Address(host, 1), **safe).check()
    for missing in safe:
        unsafe = {name: path for name, path in safe.items() if name != missing}
        for door in ({"tcp": Address(host, 1)}, {"ws": Address(host, 1)}):
            with pytest.raises(NetworkError):
                Network(**door, **unsafe).check()  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"])
def test_this_machine_needs_neither(host: str) -> None:
    Network(tcp=Address(host, 1), ws=Address(host, 1)).check()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8765", Address("127.0.0.1", 8765)),
        ("[::1]:0", Address("::1", 0)),
        ("gpu.example.org:65535", Address("gpu.example.org", 65535)),
        ("127.0.0.1", None),
        (":8765", None),
        ("localhost:", None),
        ("localhost:65536", None),
        ("localhost:-1", None),
        ("localhost:٣", None),
    ],
)
def test_an_address_is_host_and_port(text: str, address: Address | None) -> None:
    if address is None:
        with pytest.raises(AccessError, match="write HOST:PORT"):
            Address.parsed(text)
    else:
        assert Address.parsed(text) == address
        assert str(address) == text


def test_a_token_file_is_closed_to_others_and_holds_a_token(token_file: Path) -> None:
    assert read_token(token_file) == TOKEN
    assert is_authorization(f" Bearer {TOKEN}\r\n", TOKEN)
    token_file.chmod(0o640)
    with pytest.raises(AccessError, match="chmod 600"):
        read_token(token_file)
    token_file.chmod(0o600)
    for text in ("", "short", "two words of a token"):
        token_file.write_text(text)
        with pytest.raises(AccessError, match="holds no token"):
            read_token(token_file)
    token_file.unlink()
    with pytest.raises(AccessError, match="check --token-file"):
        read_token(token_file)
