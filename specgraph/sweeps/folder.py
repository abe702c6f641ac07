"""The folder of a sweep: the spec as it was at the start, what is searched, the storage, and a run folder a trial."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.errors import CommandError, reason
from specgraph.read_back import json_problem, write_read_back
from specgraph.runs.files import make_folder
from specgraph.runs.run import runs_folder
from specgraph.source.tree import Source
from specgraph.sweeps.engine import DATABASE, create_study, hidden, load_study, open_storage
from specgraph.sweeps.plan import Plan
from specgraph.version import __version__

RECORD = "sweep.json"
SOURCE = "source"
ATTRIBUTE = "specgraph"
"""What the study keeps of the sweep, for machines that do not see the folder."""
STORAGE_VARIABLE = "SPECGRAPH_SWEEP_STORAGE"
"""The storage's address with its password, for the processes that a sweep starts."""


class Record(NamedTuple):
    """What `sweep.json` says: the study and its storage, the metric, how many trials and epochs, the spec's file, and
    the plan as plain data. `origin` says that the sweep began in this folder."""

    study: str
    storage: str
    direction: str
    metric: str
    mode: str
    trials: int
    epochs: int
    spec: str
    plan: dict[str, Any]
    origin: bool = True

    def to_plain(self) -> dict[str, Any]:
        """As it is written."""
        return {"version": 1, "specgraph": __version__, **self._asdict()}


class SweepFolder:
    """A sweep on disk."""

    def __init__(self, path: Path, record: Record, address: str | None = None) -> None:
        """`address` is that of the storage, where the record lacks its password."""
        self.path, self.record, self.address = path, record, address

    @property
    def plan(self) -> Plan:
        """What is trained, with the spec as it was at the start."""
        return Plan.from_plain(str(self.path / SOURCE / self.record.spec), self.record.plan)

    @property
    def storage(self) -> str:
        """The address of the storage. Raises `CommandError` where its password is not known."""
        address = self.address or os.environ.get(STORAGE_VARIABLE) or self.record.storage
        if "://" in address:
            if ":***@" in address:
                raise CommandError(
                    f"the password of {address} is not kept in {self.path / RECORD}", "give it again with --storage URL"
                )
            return address
        return str(self.path / address)

    def run_folder(self, number: int) -> Path:
        """Where a trial is trained."""
        return self.path / f"trial-{number:03d}"

    def write(self, name: str, text: str, problem: Any) -> Path:
        """Write a file of results."""
        write_read_back(self.path / name, text, problem)
        return self.path / name


def is_sweep(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a sweep."""
    return os.path.isfile(os.path.join(path, RECORD))


def new_sweep_folder(name: str, out: str | None) -> Path:
    """The folder of a new sweep: `out`, or `runs/<name>/sweep-<date-time>`. Raises `CommandError`."""
    if out is not None:
        path = Path(out)
        if is_sweep(path):
            raise CommandError(f"{path} already holds a sweep", f"go on with it: specgraph sweep --join {path}")
        make_folder(path)
        return path
    stem = runs_folder(name) / time.strftime("sweep-%Y-%m-%d_%H-%M-%S")
    make_folder(stem.parent)
    for attempt in range(1, 1000):
        path = stem if attempt == 1 else stem.with_name(f"{stem.name}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise CommandError(f"the folder {path} cannot be made: {reason(error)}") from None
        return path
    raise CommandError(f"no free name below {stem.parent}")


def texts_of(sources: dict[str, Source]) -> tuple[str, dict[str, str]]:
    """The file of a spec and those that it includes, by their path below the folder that they share; and the path of
    the first."""
    places = {os.path.abspath(path): source.text for path, source in sources.items()}
    first = os.path.abspath(next(iter(sources)))
    shared = os.path.commonpath([os.path.dirname(place) for place in places])
    return os.path.relpath(first, shared), {os.path.relpath(place, shared): text for place, text in places.items()}


def create(path: Path, record: Record, texts: dict[str, str]) -> SweepFolder:
    """Write the folder and make the study. Raises `CommandError`."""
    folder = SweepFolder(path, record)
    _write_texts(path, texts)
    address = folder.storage
    study = create_study(open_storage(address), record.study, record.direction)
    kept = record._replace(storage=hidden(record.storage))
    study.set_user_attr(ATTRIBUTE, {**kept.to_plain(), "texts": texts})
    _write_record(path, kept)
    return SweepFolder(path, kept, record.storage)


def open_folder(path: str | os.PathLike[str], address: str | None = None) -> SweepFolder:
    """The sweep in a folder; `address` is that of its storage if another one is to be used. Raises `CommandError`."""
    place = Path(path) / RECORD
    try:
        plain = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CommandError(f"{path} is no sweep: it has no {RECORD}") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{place} cannot be read: {error}") from None
    return SweepFolder(Path(path), _record_of(plain, str(place)), address)


def join_storage(address: str, name: str | None, out: str | None) -> SweepFolder:
    """A sweep that another machine began, by its storage; its runs go into a folder of this machine.

    Raises `CommandError`.
    """
    from specgraph.sweeps.engine import load_optuna

    storage = open_storage(address)
    if name is None:
        known = load_optuna().get_all_study_names(storage)
        if len(known) != 1:
            raise CommandError(f"{hidden(address)} has {len(known)} studies", f"name one: ADDRESS#NAME, of {known}")
        name = known[0]
    plain = load_study(storage, name).user_attrs.get(ATTRIBUTE)
    if not isinstance(plain, dict) or not isinstance(plain.get("texts"), dict):
        raise CommandError(f"study `{name}` is not one of `specgraph sweep`")
    record = _record_of(plain, hidden(address))
    if out is not None and is_sweep(out):
        return open_folder(out, address)
    path = new_sweep_folder(name, out)
    kept = hidden(address) if "://" in address else os.path.abspath(address)
    record = record._replace(storage=kept, origin=False)
    _write_texts(path, plain["texts"])
    _write_record(path, record)
    return SweepFolder(path, record, address if "://" in address else kept)


def _write_texts(path: Path, texts: dict[str, str]) -> None:
    top = (path / SOURCE).resolve()
    for name, text in texts.items():
        place = (top / name).resolve()
        if not place.is_relative_to(top):
            raise CommandError(f"the study names a file outside of its folder: {name}")
        make_folder(place.parent)
        try:
            place.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise CommandError(f"{place} cannot be written: {reason(error)}") from None


def _write_record(path: Path, record: Record) -> None:
    write_read_back(path / RECORD, json.dumps(record.to_plain(), indent=2) + "\n", json_problem)


def _record_of(plain: Any, place: str) -> Record:
    fields = Record._fields
    if not isinstance(plain, dict) or not all(name in plain for name in fields):
        raise CommandError(f"{place} does not describe a sweep")
    if plain.get("version") != 1:
        raise CommandError(f"{place} is of another version of specgraph", "join it with the version that began it")
    return Record(**{name: plain[name] for name in fields})


def default_storage() -> str:
    """The storage of a sweep that names none: a file in its folder."""
    return DATABASE
