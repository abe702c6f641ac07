"""A shape rule's verdict on a node, as data; the rule's file turns it into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from specgraph.diagnostics.message import Subject, Words, words_of


class Fault(Exception):
    """A shape rule's verdict on a node: which rule is broken, what to blame, and the facts.

    `argument` names the argument at fault, `inputs` the indices of the inputs at fault; with
    neither, the node itself is marked. What is said is `case` of the rule's `MESSAGES` with the `facts`
    in it; or, for an op that has a fault of its own, the sentences themselves: `message`, `notes`, `help`,
    where `subject="node"` lets the message go on after the node's name (see `Words`).
    """

    def __init__(
        self,
        rule: str,
        message: str = "",
        *,
        case: str | None = None,
        facts: Mapping[str, Any] | None = None,
        subject: Subject | None = None,
        argument: str | None = None,
        inputs: Sequence[int] = (),
        notes: Sequence[str] = (),
        help: str | None = None,
    ) -> None:
        super().__init__(rule, case or message)
        self.rule = rule
        self.case = case
        self.facts = dict(facts or {})
        self.argument = argument
        self.inputs = tuple(inputs)
        self._own_words = Words(message, tuple(notes), help, subject)

    @cached_property
    def words(self) -> Words:
        """What to say of the fault."""
        return self._own_words if self.case is None else words_of(self.rule, self.case, self.facts)

    def __str__(self) -> str:
        return self.words.message
