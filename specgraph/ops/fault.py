"""A shape rule's verdict on a node, as data; put into words where it is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Subject = Literal["node"]


class Fault(Exception):
    """A shape rule's verdict on a node: which rule is broken, what to blame, and what to say.

    `argument` names the argument at fault, `inputs` the indices of the inputs at fault; with
    neither, the node itself is marked. `message` is a sentence of its own ("needs a feature map");
    with `subject="node"` it is said of the node and goes on after its name ("joins 64 against 32 channels").
    """

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        subject: Subject | None = None,
        argument: str | None = None,
        inputs: Sequence[int] = (),
        notes: Sequence[str] = (),
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.subject = subject
        self.argument = argument
        self.inputs = tuple(inputs)
        self.notes = tuple(notes)
        self.help = help

    def message_for(self, path: str) -> str:
        """The message that names the node `path`."""
        return f"node `{path}`{'' if self.subject == 'node' else ':'} {self.message}"

    @property
    def message_without_name(self) -> str:
        """The message where the node was named before."""
        return f"it {self.message}" if self.subject == "node" else self.message
