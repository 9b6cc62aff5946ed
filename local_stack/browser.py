"""
A headless Chromium for Playwright: the one installed, or else the one of `@sparticuz/chromium`.

The npm package is made for AWS Lambda. We take its program, the libraries a bare system lacks and
its fonts, and not its flags: they switch the same-origin policy off and would hide every mistake
of CORS and cookies. `python -m local_stack.browser installed` says whether a Chromium is installed,
so that npm's is not needed.

The package's one font, Open Sans, draws Latin, Greek, Cyrillic and Hebrew. Arabic, Chinese, emoji
and other scripts need a font of the system; without one their letters are blank.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from local_stack.node import PROJECT, node
from local_stack.processes import LocalStackError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOLDERS = "/usr/bin:/usr/local/bin:/snap/bin"
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
UNPACK_SECONDS = 120
# Nothing but the page under test uses the network.
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_UNPACK = "import c from '@sparticuz/chromium'; console.log(await c.executablePath());"
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """The program of a browser, and what must be added to its environment."""

    program: Path
    environment: dict[str, str]


def installed() -> Path | None:
    """Find a Chromium of the system; the variable CHROMIUM names another one."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    found = (shutil.which(name, path=FOLDERS) for name in NAMES)
    return next((Path(path) for path in found if path), MAC if MAC.exists() else None)


def chromium() -> Chromium:
    """
    Find a Chromium, unpacking npm's into `.local/` the first time (about 2 s, 210 MB).

    Raises:
        LocalStackError: there is none.
    """
    if program := installed():
        return Chromium(program, {})
    package = PROJECT / "node_modules" / "@sparticuz" / "chromium" / "package.json"
    if not package.exists():
        advice = "name one in CHROMIUM, or remove .venv/.node-packages and run make again"
        raise LocalStackError(f"no Chromium is installed: {advice}")
    version = json.loads(package.read_text())["version"]
    folder = PROJECT / ".local" / f"chromium-{version}"
    if not folder.exists():
        _unpack(folder)
    environment = {
        "LD_LIBRARY_PATH": str(folder / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(folder / "fonts.conf"),
    }
    return Chromium(folder / "chromium", environment)


@contextmanager
def browser() -> Iterator[Browser]:
    """Run a headless browser for Playwright's sync API."""
    found = chromium()
    # Playwright's own node needs a library that a bare Debian lacks.
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(node())
    with sync_playwright() as playwright:

        def launch(sandbox: bool) -> Browser:
            return playwright.chromium.launch(
                executable_path=found.program,
                env={**os.environ, **found.environment},
                args=FLAGS,
                chromium_sandbox=sandbox,
                timeout=30_000,
            )

        try:
            running = launch(sandbox=os.geteuid() != 0)
        except Error as error:
            # Some containers and Ubuntu forbid the user namespaces it is made of; the browser
            # sees nothing here but our own pages.
            if "sandbox" not in str(error).lower():
                raise
            running = launch(sandbox=False)
        try:
            yield running
        finally:
            running.close()


def _unpack(folder: Path) -> None:
    """Unpack into another folder and rename that when complete; two processes may do so at once."""
    folder.parent.mkdir(exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="chromium-new-", dir=folder.parent))
    # The variable makes the package unpack its libraries, which it does on Lambda only.
    environment = os.environ | {"TMPDIR": str(work), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"}
    try:
        result = subprocess.run(
            [str(node()), "--input-type=module", "--eval", _UNPACK],
            cwd=PROJECT,
            env=environment,
            timeout=UNPACK_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise LocalStackError(f"Chromium cannot be unpacked:\n{result.stderr[-2000:]}")
        # The package's own file names folders of Lambda.
        (work / "fonts.conf").write_text(_FONTS)
        try:
            work.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    program = installed()
    print(program or "none: npm's is used")
    sys.exit(program is None)
