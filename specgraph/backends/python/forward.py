"""The text of a forward: straight-line calls with readable variables."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence

from specgraph.backends.python.format import INDENT, LINE_LENGTH, format_statement
from specgraph.backends.python.pieces import CALL, ClassBody, Piece, is_plain_name
from specgraph.graph.model import Graph

FOLLOWERS = ("normalisation", "activation", "regularisation")
MAX_NESTED = 3
RESERVED = {"self", "torch", "nn", "F", "x", "out", "Tensor", "OrderedDict"}


def safe_name(text: str) -> str:
    """A Python variable for a name of the spec."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    if not name.strip("_"):
        return "value"
    if name[0].isdigit() or keyword.iskeyword(name) or name.startswith("__"):
        name = f"x{name.lstrip('_')}"
    return name


class ForwardWriter:
    """Writes the forward of one class. `comments` gives the remark after a value's statement."""

    def __init__(
        self,
        graph: Graph,
        body: ClassBody,
        indexed: set[str],
        comments: dict[str, str],
        inputs: Sequence[str],
    ) -> None:
        self.graph = graph
        self.body = body
        self.indexed = indexed
        self.comments = comments
        self.variables: dict[str, str] = {}
        self.taken = set(RESERVED)
        self.holds: dict[str, str] = {}
        self.uses: dict[str, list[int]] = {}
        self.pending: dict[str, tuple[str, int]] = {}
        self.lines: list[str] = []
        for index, piece in enumerate(body.pieces):
            for path in dict.fromkeys(piece.reads):
                self.uses.setdefault(path, []).append(index)
        self.end = len(body.pieces)
        for path in body.gives:
            self.uses.setdefault(path, []).append(self.end)
        names = ["x"] if len(inputs) == 1 else [self._unique(safe_name(name)) for name in inputs]
        self.parameters = names
        for path, name in zip(body.reads, names, strict=True):
            self.variables[path] = name
            self.holds[name] = path

    def write(self, level: int = 2) -> list[str]:
        """Statements up to the return, which `result` names."""
        pieces = self.body.pieces
        training = False
        for index, piece in enumerate(pieces):
            if piece.train_only and not training and not self._all_train_only:
                self._line("", "if self.training:", level)
            training = piece.train_only and not self._all_train_only
            if piece.is_held:
                self.variables[piece.path] = self._call(piece, [])
            else:
                self._statement(index, piece, level + training)
        return self.lines

    @property
    def _all_train_only(self) -> bool:
        return all(piece.train_only for piece in self.body.pieces)

    def value(self, path: str) -> str:
        """Text of a value that is read for the last time: its variable, or the call not yet written."""
        pending = self.pending.pop(path, None)
        return pending[0] if pending else self.variables[path]

    def _line(self, prefix: str, text: str, level: int) -> None:
        self.lines.append(f"{INDENT * level}{prefix}{text}")

    def _statement(self, index: int, piece: Piece, level: int) -> None:
        nested = max((self.pending[path][1] for path in piece.reads if path in self.pending), default=0)
        arguments = {path: self.value(path) for path in dict.fromkeys(piece.reads)}
        text = self._call(piece, [arguments[path] for path in piece.reads])
        if len(piece.gives) == 1:
            if self._may_nest(index, piece, text, level, nested):
                self.pending[piece.gives[0]] = (text, nested + 1)
                return
            target = self._variable(index, piece.gives[0])
        else:
            targets = [self._named(path, piece) for path in piece.gives]
            target = ", ".join(targets)
        if target == text and not piece.train_only:
            return  # padding by nothing
        comment = self.comments.get(piece.gives[0], "") if len(piece.gives) == 1 else ""
        self.lines += format_statement(f"{target} = ", text, level, comment)

    def _may_nest(self, index: int, piece: Piece, text: str, level: int, nested: int) -> bool:
        """Whether the value is left inside the next statement: the last value of all, or a step of
        convolution, normalisation, activation."""
        path = piece.gives[0]
        if self.uses.get(path) != [index + 1]:
            return False
        if index + 1 == self.end:
            return self.body.gives == [path]
        following = self.body.pieces[index + 1]
        if following.train_only != piece.train_only or nested + 1 >= MAX_NESTED:
            return False
        if index + 2 == self.end and following.expression != CALL and self.body.gives == following.gives:
            return len(following.reads) == 2 and len(text) < 50 and not nested
        if following.family not in FOLLOWERS or following.expression != CALL or following.reads != [path]:
            return False
        room = LINE_LENGTH - 34 if self.comments else LINE_LENGTH - 16
        return len(text) + len(self.access(following)) + len(INDENT * level) < room

    def _call(self, piece: Piece, arguments: list[str]) -> str:
        def fill(match: re.Match[str]) -> str:
            key = match[1]
            if key == "module":
                return self.access(piece)
            if key == "inputs":
                return ", ".join(arguments)
            text = arguments[int(key)]
            simple = is_plain_name(text) or piece.expression.endswith(")") or text.endswith(")")
            return text if simple else f"({text})"

        return re.sub(r"\{(module|inputs|\d+)\}", fill, piece.expression)

    def access(self, piece: Piece) -> str:
        """Text that reaches a piece's module from `self`."""
        path = piece.owner or piece.path
        prefix = self.body.group.path
        inside = path[len(prefix) + 1 :] if prefix else path
        text, here = "self", prefix
        for segment in inside.split("."):
            if here in self.indexed and here != prefix and segment.isdigit():
                text = f"{text}[{segment}]"
            elif is_plain_name(segment):
                text = f"{text}.{segment}"
            else:
                text = f'getattr({text}, "{segment}")'
            here = f"{here}.{segment}" if here else segment
        return text

    def _variable(self, index: int, path: str) -> str:
        """A variable for a value: `x` or `out` again where what they hold is done, else a name."""
        uses = self.uses.get(path, [])
        following = self.body.pieces[index + 1] if index + 1 < self.end else None
        current = self.body.pieces[index]
        transient = len(uses) == 1 and uses[0] == index + 1
        if transient and following is not None and following.train_only != current.train_only:
            transient = False
        if transient or (len(uses) >= 1 and self._carries_on(index, path)):
            for name in ("x", "out"):
                held = self.holds.get(name)
                if held is None and name == "x":
                    continue
                if held is None or all(use <= index for use in self.uses.get(held, [])):
                    return self._assign(path, name)
        return self._named(path, current)

    def _carries_on(self, index: int, path: str) -> bool:
        """Whether the value is the only one that anything later reads, as between two stages."""
        return all(
            read == path or read not in self.variables or all(u <= index for u in self.uses.get(read, []))
            for piece in self.body.pieces[index + 1 :]
            for read in piece.reads
            if read in self.variables
        ) and self.body.gives != [path]

    def _assign(self, path: str, name: str) -> str:
        self.variables[path] = name
        self.holds[name] = path
        return name

    def _named(self, path: str, piece: Piece) -> str:
        tail = path.rpartition(".")[2]
        if len(piece.gives) == 1:
            tail = piece.path.rpartition(".")[2]
            if tail.isdigit() and "." in piece.path:
                tail = piece.path.rpartition(".")[0].rpartition(".")[2] + "_" + tail
        return self._assign(path, self._unique(safe_name(tail)))

    def _unique(self, base: str) -> str:
        name, count = base, 2
        while name in self.taken:
            name, count = f"{base}_{count}", count + 1
        self.taken.add(name)
        return name
