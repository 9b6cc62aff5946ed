"""The command `python -m local_tenant`, and the runner as `node --test` uses it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest

from local_stack.node import PROJECT, node
from local_stack.processes import Child, free_port, wait_until
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

NODE = node()


@contextmanager
def serve(folder: Path, config: TenantConfig) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run the command during the block; yield its process and its URL once it answers."""
    file = folder / "tenant.json"
    file.write_text(config.to_json())
    port = free_port()
    command = [sys.executable, "-m", "local_tenant", "--config", str(file), "--node", str(NODE)]
    process = subprocess.Popen(
        [*command, "--port", str(port)], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    url = f"http://localhost:{port}"
    try:
        child = Child("local_tenant", process, folder / "no.log")
        wait_until(f"{url}/.well-known/jwks.json", child, 20)
        yield process, url
    finally:
        process.terminate()
        process.communicate(timeout=10)


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
    with serve(tmp_path, config) as (process, url):
        login = f"{url}/authorize?client_id=spa&login_hint=joe@example.com"
        assert httpx2.get(login, trust_env=False).status_code == 302
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
    with serve(tmp_path, TenantConfig(clients=(operator,), users=(), apis=())) as (_, url):
        before = _published(url)
        body = {
            "grant_type": "client_credentials",
            "client_id": "operator",
            "client_secret": "s",
            "audience": f"{url}/api/v2/",
        }
        token = httpx2.post(f"{url}/oauth/token", data=body, trust_env=False).json()
        bearer = {"Authorization": f"Bearer {token['access_token']}"}
        rotate = f"{url}/api/v2/keys/signing/rotate"
        assert httpx2.post(rotate, headers=bearer, trust_env=False).status_code == 201
        after = _published(url)

    assert (len(before), len(after)) == (2, 3)
    assert (after[0], after[2]) == (before[1], before[0])


def _published(url: str) -> list[str]:
    """Return the kids of the key set."""
    answer = httpx2.get(f"{url}/.well-known/jwks.json", trust_env=False)
    return [key["kid"] for key in answer.json()["keys"]]


def test_command_names_the_mistake_in_its_configuration(tmp_path: Path) -> None:
    file = tmp_path / "tenant.json"
    file.write_text('{"clients": [], "users": [], "apis": [], "colour": 1}')
    done = subprocess.run(
        [sys.executable, "-m", "local_tenant", "--config", str(file), "--node", str(NODE)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert done.returncode == 1
    assert done.stderr == "local_tenant: configuration.colour: Unexpected keyword argument\n"


def test_runner_and_table_have_the_same_assumptions() -> None:
    script = f"console.log(JSON.stringify(require({json.dumps(str(RUNNER))}).DEFAULT_ASSUMPTIONS))"
    done = subprocess.run([str(NODE), "-e", script], capture_output=True, text=True, timeout=20)
    defaults = {field.name: field.default for field in fields(Assumptions)}

    assert json.loads(done.stdout) == {row: defaults[row] for row in RUNNER_ROWS}


def test_runner_runs_an_action_inside_a_unit_test(tmp_path: Path) -> None:
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
