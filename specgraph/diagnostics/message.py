"""What a rule says: templates that stand in the rule's file, filled with the facts of a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from specgraph.diagnostics.rule import rule_file
from specgraph.named_tuples import NamedTuple

Subject = Literal["node"]


class Words(NamedTuple):
    """The words of one fault. `message` is a sentence of its own ("needs a feature map"); with
    `subject="node"` the sentence is about the node and continues after its name ("joins 64 against 32 channels")."""

    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    subject: Subject | None = None

    def of_node(self, path: str) -> str:
        """The message that names the node `path`."""
        return f"node `{path}`{'' if self.subject == 'node' else ':'} {self.message}"

    @property
    def of_it(self) -> str:
        """The message where the node was named before."""
        return f"it {self.message}" if self.subject == "node" else self.message


def suggestion(close: str | None, otherwise: str | None = None) -> str | None:
    """The help that names what a wrong name is near to."""
    return f"did you mean {close}?" if close else otherwise


class Message(NamedTuple):
    """A template of `Words`: names of facts stand in braces."""

    text: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    subject: Subject | None = None

    def __call__(self, **facts: Any) -> Words:
        """The words with the facts in them. Raises KeyError where one is missing."""
        notes = tuple(note.format_map(facts) for note in self.notes)
        help = None if self.help is None else self.help.format_map(facts)
        return Words(self.text.format_map(facts), notes, help, self.subject)


def words_of(rule: str, case: str, facts: Mapping[str, Any]) -> Words:
    """What a rule says in one of the cases of its `MESSAGES`, each a `Message` or a function of the facts."""
    messages: dict[str, Callable[..., Words]] = rule_file(rule).MESSAGES
    return messages[case](**facts)
