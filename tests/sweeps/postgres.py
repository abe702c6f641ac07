"""A PostgreSQL server of its own for tests, where its programs and a driver are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.training.processes import free_port

PASSWORD = "not-for-eyes"
PG_CTL = shutil.which("pg_ctl")


def _user() -> str | None:
    """Who may run the server: not root."""
    if os.getuid() != 0:
        return None
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")), "")


def is_available() -> bool:
    """Whether a server can be started here."""
    return PG_CTL is not None and _user() != "" and find_spec("psycopg") is not None


@contextmanager
def server() -> Iterator[str]:
    """The URL of an empty database, with a password."""
    assert PG_CTL is not None
    programs, user = Path(PG_CTL).resolve().parent, _user()
    folder = Path(tempfile.mkdtemp(prefix="specgraph-pg-"))
    word = folder / "word"
    word.write_text(PASSWORD)
    if user:
        for place in (folder, word):
            shutil.chown(place, user)

    def run(*words: str) -> None:
        subprocess.run(words, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    data, port = str(folder / "data"), free_port()
    run(str(programs / "initdb"), "-D", data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", str(word), "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://tester:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
