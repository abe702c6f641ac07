"""The trackers that there are, by name: built in, of installed packages, and of plug-ins."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from urllib.parse import urlsplit

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError, MissingPackageError
from specgraph.escaping import for_line
from specgraph.trackers.tracker import Tracker

GROUP = "specgraph.trackers"
BUILT_IN = {"tensorboard": "TensorBoard", "mlflow": "MLflow", "wandb": "WeightsAndBiases"}
"""The class of each, in the module of its name."""
NONE = "none"
DEFAULT = "tensorboard"
"""What tracks a run that names no tracker, if it is installed."""

_registered: dict[str, type[Tracker]] = {}


def register_tracker(kind: type[Tracker]) -> None:
    """Let `--tracker` name a class derived from `Tracker` by its `name`. Raises ValueError where the name is taken."""
    name = kind.name
    if not name or "=" in name:
        raise ValueError(f"a tracker needs a name without `=`, not {name!r}")
    if name in BUILT_IN or name == NONE or _registered.get(name, kind) is not kind:
        raise ValueError(f"tracker `{name}` is defined twice")
    _registered[name] = kind


def address(tracker: Tracker) -> str:
    """A tracker as `--tracker` names it."""
    return f"{tracker.name}={tracker.place}" if tracker.place else tracker.name


def make_trackers(words: Iterable[str]) -> list[Tracker]:
    """The trackers that `--tracker` names, each once, and TensorBoard's files beside them unless `none` is among the
    words.

    Raises `CommandError` for an unknown name and a wrong place, `MissingPackageError` for a package that is not
    installed.
    """
    given = list(dict.fromkeys(words))
    made = [_make(word) for word in given if word != NONE]
    if NONE not in given and all(tracker.name != DEFAULT for tracker in made) and find_spec(DEFAULT) is not None:
        made.append(_kind(DEFAULT)())
    return made


def _make(word: str) -> Tracker:
    name, _, place = word.partition("=")
    kind = _kind(name.strip())
    if kind.package and find_spec(kind.package) is None:
        raise MissingPackageError(kind.package, "", f"--tracker {name}", install=kind.install or kind.package)
    try:
        tracker = kind(place.strip())
        tracker.check()
        tracker.notes.clear()
    except CommandError:
        raise
    except Exception as error:
        said = for_line(f"{type(error).__name__}: {error}")
        raise CommandError(f"--tracker {word}: {said}", "leave the tracker out, or mend its class") from error
    _refuse_secrets(tracker)
    return tracker


def _kind(name: str) -> type[Tracker]:
    if name in BUILT_IN:
        return _tracker_class(name, getattr(import_module(f"specgraph.trackers.{name}"), BUILT_IN[name]))
    if name in _registered:
        return _registered[name]
    from importlib.metadata import entry_points

    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name in installed:
        try:
            found = installed[name].load()
        except Exception as error:
            raise CommandError(
                f"--tracker {name}: {installed[name].value} cannot be loaded: {type(error).__name__}: {error}",
                "install the package again, or leave the tracker out",
            ) from error
        return _tracker_class(name, found)
    known = [*BUILT_IN, *_registered, *installed, NONE]
    close = nearest(name, known)
    raise CommandError(
        f"--tracker {name}: there is no such tracker",
        f"did you mean {close}?" if close else f"choose from {', '.join(known)}",
    )


def _tracker_class(name: str, found: object) -> type[Tracker]:
    if not isinstance(found, type) or not issubclass(found, Tracker):
        raise CommandError(
            f"--tracker {name}: {found!r} is not a class derived from specgraph.plugin.Tracker",
            f"let the entry point `{name}` of the group {GROUP} name one",
        )
    if not found.name:
        found.name = name
    return found


def _refuse_secrets(tracker: Tracker) -> None:
    """A place is written into the run folder."""
    try:
        secret = urlsplit(tracker.place).password
    except ValueError:
        secret = None
    if secret is not None:
        raise CommandError(
            f"--tracker {tracker.name}: the address holds a password, which would be written into the run folder",
            "leave it out, and give it as the tracker's own documentation says (MLflow: MLFLOW_TRACKING_PASSWORD)",
        )
