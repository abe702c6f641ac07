"""The fields by which runs are listed, compared, filtered and sorted, and the words that name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.runs.entries import COSTS, Entry
from specgraph.runs.settings import KINDS

SETTING_PREFIXES = ("vars.", "options.")
RECIPE = "recipe."
SHOWN_ANYWAY = ("recipe.data.name", "recipe.epochs")
"""Settings that a list has columns for: the data set, and the epochs that were trained."""
PARTS = ("train_", "validation_", "test_")
"""The parts of the data that a metric is of."""


class Fields:
    """The fields of some runs.

    A field is a fact (`network`, `started`), a metric (`validation_loss`, `test_f1_macro`) or a setting. Settings are
    named as `--set` names them, `recipe.optimizer.lr` without the kind of the optimizer, so that runs with several are
    compared; the end of such a path is enough, `lr`, if it means one setting.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = [entry for entry in entries if entry.damaged is None]
        self._values = {id(entry): _values(entry) for entry in self.entries}
        self.names = list(dict.fromkeys(name for values in self._values.values() for name in values))
        self._settings = [name for name in self.names if _is_setting(name)]

    def value(self, entry: Entry, name: str) -> Any:
        """The value of a field; None where a run has none."""
        if name in COSTS:
            return entry.cost(name)
        return self._values.get(id(entry), {}).get(name)

    def resolve(self, word: str, flag: str) -> str:
        """The field that a word means. Raises `CommandError` with near names for a word that means none, and for one
        that means several settings."""
        word = _whole_part(word)
        if word in self.names or word in COSTS or not self.entries:
            return word
        whole = word if _is_setting(word) else RECIPE + word
        for setting in (whole, _general(whole)):
            if setting in self.names:
                return setting
        ends = [name for name in self._settings if name.endswith(f".{word}")]
        shortest = min((name.count(".") for name in ends), default=0)
        found = [name for name in ends if name.count(".") == shortest]
        if len(found) == 1:
            return found[0]
        if found:
            raise CommandError(f"{flag}: `{word}` means several settings", f"write {' or '.join(found)}")
        known = [*self.names, *(name.rpartition(".")[2] for name in self._settings)]
        close = nearest(word, known)
        raise CommandError(
            f"{flag}: these runs have no field `{word}`",
            f"did you mean {close}?" if close else "--format json shows all fields of the runs",
        )

    def metrics(self, word: str) -> list[str]:
        """The columns of a metric: of validation and test for its bare name, one for `test_loss` or `train_loss`.
        Raises `CommandError`."""
        word = _whole_part(word)
        if word in self.names and word.startswith(PARTS):
            return [word]
        found = [f"{part}_{word}" for part in ("validation", "test") if f"{part}_{word}" in self.names]
        if found or not self.entries:
            return found
        known = [name for name in self.names if name.startswith(PARTS)]
        bare = dict.fromkeys(name.partition("_")[2] for name in known)
        close = nearest(word, [*bare, *known])
        raise CommandError(
            f"--metric {word}: these runs have no such metric",
            f"did you mean {close}?" if close else f"they have {', '.join(bare)}",
        )

    def heading(self, name: str) -> str:
        """The shortest word that means a field."""
        if not _is_setting(name):
            return name
        parts = name.split(".")
        for start in range(len(parts) - 1, 0, -1):
            word = ".".join(parts[start:])
            if word not in self.names and self._is_clear(word, name):
                return word
        return name

    def differing(self) -> list[str]:
        """The settings that differ between the runs, those with most values first.

        Fields of an optimizer, schedule or loss are compared between runs that have one of the same kind, or that have
        the field.
        """
        found: dict[str, int] = {}
        for name in self._settings:
            if name in SHOWN_ANYWAY:
                continue
            number = len({repr(value) for value in self._compared(name)})
            if number > 1:
                found[name] = number
        if len({(entry.facts["network"], entry.facts["spec"]) for entry in self.entries}) > len(
            {entry.facts["network"] for entry in self.entries}
        ):
            found["spec"] = len({entry.facts["spec"] for entry in self.entries})
        return sorted(found, key=lambda name: -found[name])

    def _compared(self, name: str) -> list[Any]:
        part = name.removeprefix(RECIPE).partition(".")[0]
        kind = f"{RECIPE}{part}"
        if part not in KINDS or name == kind:
            return [self.value(entry, name) for entry in self.entries]
        kinds = {self.value(entry, kind) for entry in self.entries if self.value(entry, name) is not None}
        return [self.value(entry, name) for entry in self.entries if self.value(entry, kind) in kinds]

    def _is_clear(self, word: str, name: str) -> bool:
        try:
            return self.resolve(word, "") == name
        except CommandError:
            return False


def _values(entry: Entry) -> dict[str, Any]:
    settings = {}
    for name, value in entry.settings.items():
        whole = name if name.startswith(SETTING_PREFIXES) else RECIPE + name
        settings[_general(whole) if name.partition(".")[0] in entry.settings else whole] = value
    return {**entry.facts, **entry.metrics, **settings}


def _whole_part(word: str) -> str:
    """`val_loss`, as `metrics.csv` has it, is `validation_loss`, as `result.json` has it."""
    return f"validation_{word[4:]}" if word.startswith("val_") else word


def _is_setting(name: str) -> bool:
    return name.startswith((RECIPE, *SETTING_PREFIXES))


def _general(name: str) -> str:
    """A setting without the kind of its optimizer, schedule or loss: `recipe.optimizer.lr`."""
    parts = name.split(".")
    return ".".join((*parts[:2], *parts[3:])) if len(parts) > 3 and parts[0] == "recipe" and parts[1] in KINDS else name
