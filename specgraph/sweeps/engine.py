"""optuna, without its own messages: the study of a sweep and its storage."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from specgraph.errors import CommandError, line_of, require
from specgraph.recipes.search import Search

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.storages import BaseStorage
    from optuna.study import Study

JOURNALS = (".journal", ".log")
DATABASE = "study.db"
WAIT_S = 60
"""How long a process waits for another one that writes an SQLite file."""
DRIVERS = {"psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient", "pymysql": "pymysql", "psycopg": "psycopg"}


def load_optuna() -> ModuleType:
    """The package, which prints nothing by itself. Raises `MissingPackageError` where it is not installed."""
    require("optuna", "sweep", "a sweep")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna


def open_storage(address: str) -> BaseStorage:
    """The storage at an address: a journal file (`.journal`), an SQLite file (`.db`), or a URL of a database.

    Raises `CommandError` where it cannot be reached.
    """
    optuna = load_optuna()
    if "://" not in address:
        path = Path(address)
        if path.suffix in JOURNALS:
            from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
                found: BaseStorage = optuna.storages.JournalStorage(backend)
            except (OSError, ValueError) as error:
                raise CommandError(f"the journal {path} cannot be opened: {error}") from None
            return found
        if path.suffix != ".db":
            raise CommandError(
                f"--storage {address} is no storage",
                "name a .db file, a .journal file, or a URL such as postgresql://user@host/database",
            )
        address = f"sqlite:///{path}"
    wait = {"connect_args": {"timeout": WAIT_S}} if address.startswith("sqlite") else {}
    try:
        found = optuna.storages.RDBStorage(address, engine_kwargs=wait)
    except ImportError as error:
        cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
        driver = getattr(cause, "name", None) or "a driver"
        raise CommandError(
            f"{hidden(address)} needs the package `{driver}`, which is not installed",
            f"install it with: pip install {DRIVERS.get(driver, driver)}",
        ) from None
    except Exception as error:  # every database has errors of its own
        raise CommandError(f"the storage {hidden(address)} cannot be opened: {line_of(error)}") from None
    return found


def hidden(address: str) -> str:
    """An address without its password."""
    if "://" not in address:
        return address
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address).set(password=None).render_as_string()
    except ArgumentError:
        raise CommandError(f"{address.partition('://')[0]}://… is not a database URL") from None


def create_study(storage: BaseStorage, name: str, direction: str) -> Study:
    """A new study. Raises `CommandError` where the storage has one of that name."""
    optuna = load_optuna()
    try:
        study: Study = optuna.create_study(storage=storage, study_name=name, direction=direction)
    except optuna.exceptions.DuplicatedStudyError:
        raise CommandError(f"the storage has a study `{name}` already", "work on it with --join") from None
    return study


def load_study(storage: BaseStorage, name: str, search: Search | None = None, epochs: int = 1) -> Study:
    """A study that exists, with the pruner of a search. Raises `CommandError` where it does not."""
    optuna = load_optuna()
    pruner = optuna.pruners.NopPruner() if search is None else pruner_of(search, epochs)
    try:
        study: Study = optuna.load_study(storage=storage, study_name=name, pruner=pruner)
    except KeyError:
        known = ", ".join(optuna.get_all_study_names(storage))
        raise CommandError(
            f"the storage has no study `{name}`", f"it has {known}" if known else "it is empty"
        ) from None
    return study


def pruner_of(search: Search, epochs: int) -> BasePruner:
    """optuna's pruner, with its own defaults: `median` ends a trial that is below the median that the trials before
    had at the same epoch, once five have ended; `hyperband` gives many trials few epochs and few trials all."""
    optuna = load_optuna()
    made: dict[str, Any] = {
        "none": lambda: optuna.pruners.NopPruner(),
        "median": lambda: optuna.pruners.MedianPruner(),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=1, max_resource=max(epochs, 1)),
    }
    pruner: BasePruner = made[search.pruner]()
    return pruner
