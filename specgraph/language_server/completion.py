"""What can be typed at the cursor: keys, ops, arguments, nodes, variables, blocks, recipe fields.

The text is read with a mark at the cursor, forgivingly, so that it may be half-typed everywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
)

from specgraph.datasets.catalog import dataset_names
from specgraph.diagnostics.rule import rules
from specgraph.expressions.values import FUNCTIONS
from specgraph.kinds.kinds import Bool, Choice, Kind, Padding
from specgraph.kinds.records import Record, Tagged
from specgraph.language.document import BLOCK_KEYS, IMPLIED_NAMES, NODE_KEYS, SIZE_PROPERTIES, TOP_KEYS
from specgraph.language_server.analysis import Analysis, read_structure
from specgraph.language_server.forgiving import forgiving_tree
from specgraph.language_server.markup import (
    argument_text,
    block_text,
    field_text,
    key_docs,
    kinds_in,
    op_text,
    record_text,
    rule_text,
    written,
)
from specgraph.language_server.places import Place, Role, classify
from specgraph.language_server.positions import Encoding
from specgraph.language_server.proposals import Cursor, Proposal, cursor_at, item_of
from specgraph.language_server.scopes import NodeScope, block_arguments
from specgraph.ops.definition import Op
from specgraph.ops.registry import ops
from specgraph.source.tree import Mapping, Scalar, Source, Tree

MARK = "\ue0a5"
COMMENT_BEFORE = re.compile(r"#[ \t]*specgraph:[ \t]*ignore[ \t]*\[[^\]]*$")
NOT_WITH_OP = ("block", "defaults", "flat")
NOT_WITH_BLOCK = ("op", "init")


def complete(
    source: Source,
    folder: str,
    line: int,
    column: int,
    *,
    encoding: Encoding = "utf-16",
    snippets: bool = False,
    analysis: Analysis | None = None,
) -> list[CompletionItem]:
    """What can be typed at a place (from 1, in code points). `analysis` is what was last known of the
    text, for what only a graph can tell."""
    cursor = cursor_at(source, line, column)
    found = list(_proposals(source, folder, cursor, analysis))
    names: set[str] = set()
    unique = [p for p in found if not (p.name in names or names.add(p.name))]  # type: ignore[func-returns-value]
    return [item_of(proposal, cursor, index, encoding, snippets) for index, proposal in enumerate(unique)]


def _proposals(source: Source, folder: str, cursor: Cursor, analysis: Analysis | None) -> Iterator[Proposal]:
    before = cursor.text[: cursor.column]
    if not cursor.is_json and COMMENT_BEFORE.search(before):
        for known in rules():
            if known.severity != "error":
                yield Proposal(known.code, CompletionItemKind.EnumMember, known.name, rule_text(known))
        return
    if not cursor.is_json and before.endswith(":"):
        return  # a value follows a space
    place, scope_source = _marked_place(source, folder, cursor)
    if place is None:
        return
    text = place.scalar.text.partition(MARK)[0]
    expression = _expression(place, text)
    if expression is not None:
        yield from expression
        return
    yield from _by_role(place, scope_source, cursor, analysis)


def _marked_place(source: Source, folder: str, cursor: Cursor) -> tuple[Place | None, Source]:
    offset = source.offset(cursor.line, cursor.column + 1)
    marked = Source(source.path, source.text[:offset] + MARK + source.text[offset:], source.format)
    file = read_structure(marked, forgiving_tree(marked), folder)
    return classify(file, lambda tree: isinstance(tree, Scalar) and MARK in tree.text), marked


# by what is due --------------------------------------------------------------------------------


def _by_role(place: Place, source: Source, cursor: Cursor, analysis: Analysis | None) -> Iterator[Proposal]:
    role = place.role
    if role is Role.TOP_KEY:
        yield from _keys(place, TOP_KEYS, key_docs()["top"])
    elif role is Role.BLOCK_KEY:
        yield from _keys(place, BLOCK_KEYS, key_docs()["block"])
    elif role is Role.NODE_KEY:
        yield from _node_keys(place)
    elif role is Role.BARE_NODE:
        yield from _bare_node(place, cursor)
    elif role is Role.OP:
        yield from (_op(op) for op in ops().values())
    elif role is Role.BLOCK:
        yield from _blocks(place.scope, whole=False, is_json=cursor.is_json)
    elif role is Role.REFERENCE:
        yield from _references(place, cursor)
    elif role is Role.DEFAULTS_OP:
        yield from (_op(op)._replace(is_key=True) for op in ops().values() if op.name not in _used(place))
    elif role is Role.DEFAULTS_KEY and place.op is not None:
        yield from _arguments(place.op, _used(place))
        yield Proposal("init", CompletionItemKind.Property, text=key_docs()["node"]["init"], is_key=True)
    elif role is Role.PARAMETER:
        yield from (Proposal(name, CompletionItemKind.Property, is_key=True) for name in ("weight", "bias"))
    elif role is Role.FIELD and place.kind is not None:
        yield from _fields(place.kind, _used(place))
    elif role is Role.VALUE:
        yield from _values(place, cursor)
    elif role is Role.INCLUDE:
        yield from _files(place)
    elif place.argument == "expect" and analysis is not None and place.node_key is not None:
        instances = analysis.instances(source.path, place.node_key)
        for _, shape in instances.outputs()[-1:] if instances is not None else ():
            yield Proposal(shape, CompletionItemKind.Value, "what comes out")


def _used(place: Place) -> set[str]:
    """Keys that are there already, the one at the cursor aside."""
    return {key.text for key, _ in place.mapping.entries if MARK not in key.text} if place.mapping else set()


def _keys(place: Place, names: Iterable[str], docs: dict[str, str]) -> Iterator[Proposal]:
    used = _used(place)
    for name in names:
        if name not in used:
            text = docs.get(name, "")
            yield Proposal(name, CompletionItemKind.Property, text, text, is_key=True)


def _node_keys(place: Place) -> Iterator[Proposal]:
    used = _used(place)
    keys: list[str] = list(NODE_KEYS)
    if "op" in used:
        if place.op is not None:
            yield from _arguments(place.op, used)
        keys = [key for key in keys if key not in NOT_WITH_OP]
    elif "block" in used and place.mapping is not None:
        target = place.mapping.get("block")
        found = place.scope.file.find_block(target.text) if isinstance(target, Scalar) else None
        if found is not None:
            file, _, block = found
            for key, default in block_arguments(block):
                if key.text not in used:
                    detail = "required" if default is None else f"default {written(file.source, default)}"
                    yield Proposal(key.text, CompletionItemKind.Property, f"argument, {detail}", is_key=True)
        keys = [key for key in keys if key not in NOT_WITH_BLOCK]
    yield from _keys(place, keys, key_docs()["node"])


def _arguments(op: Op, used: set[str]) -> Iterator[Proposal]:
    """Arguments of an op, required ones first."""
    for argument in sorted(op.arguments.values(), key=lambda argument: not argument.required):
        if argument.name not in used:
            detail = ("required: " if argument.required else "") + argument.kind.words
            yield Proposal(argument.name, CompletionItemKind.Property, detail, argument_text(op, argument), is_key=True)


def _op(op: Op) -> Proposal:
    return Proposal(op.name, CompletionItemKind.Function, op.summary, op_text(op))


def _bare_node(place: Place, cursor: Cursor) -> Iterator[Proposal]:
    """A node of which nothing is there yet: an op, a block, or the first key of its mapping."""
    if place.node_key is not None and place.node_key.line < place.scalar.line and not cursor.is_json:
        yield from _keys(place, NODE_KEYS, key_docs()["node"])
        return
    for op in ops().values():
        required = [argument.name for argument in op.arguments.values() if argument.required]
        yield _op(op)._replace(snippet=_node_snippet("op", op.name, required, cursor) if required else None)
    yield from _blocks(place.scope, whole=True, is_json=cursor.is_json)


def _blocks(scope: NodeScope, *, whole: bool, is_json: bool) -> Iterator[Proposal]:
    for name, file, _, block in scope.file.block_names():
        if MARK in name:
            continue
        required = [key.text for key, default in block_arguments(block) if default is None]
        cursor = Cursor(1, "", 0, 0, 0, is_json)
        snippet = _node_snippet("block", name, required, cursor) if whole else None
        yield Proposal(name, CompletionItemKind.Module, "block", block_text(name, file.source, block), snippet=snippet)


def _node_snippet(key: str, name: str, required: list[str], cursor: Cursor) -> str | None:
    """A node's mapping with its required arguments to fill in."""
    if cursor.in_quotes:
        return None
    quote = '"' if cursor.is_json else ""
    target = f"{quote}{key}{quote}: {quote}{name}{quote}"
    holes = [f"{quote}{argument}{quote}: ${{{index}}}" for index, argument in enumerate(required, 1)]
    return "{" + ", ".join([target, *holes]) + "\\}"


def _references(place: Place, cursor: Cursor) -> Iterator[Proposal]:
    head, _, _ = cursor.word.rpartition(".")
    if head:
        found = place.scope.find(head)
        if found is None or found.tree is None:
            return
        tree = found.tree
        if isinstance(tree, Mapping) and tree.get("repeat") is not None:
            yield Proposal(f"{head}.0", CompletionItemKind.Reference, "the first instance")
        for inner in place.scope.inside(tree):
            for name, _, node in inner.siblings():
                yield Proposal(f"{head}.{name}", CompletionItemKind.Reference, _what(node))
        return
    before: list[tuple[int, Proposal]] = []
    after: list[Proposal] = []
    for name, named in place.scope.names():
        is_self = place.node_key is not None and named.place is place.node_key
        if MARK in name or is_self or "$" in name:
            continue
        proposal = Proposal(name, CompletionItemKind.Reference, _what(named.tree))
        if named.tree is None or named.place.line < place.scalar.line:
            before.append((named.place.line if named.tree is not None else 0, proposal))
        else:
            after.append(proposal)
    before.sort(key=lambda entry: -entry[0])  # the nearest first, inputs last
    yield from (proposal for _, proposal in before)
    yield from after


def _what(node: Tree | None) -> str:
    if node is None:
        return "input"
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping):
        for key in ("op", "block"):
            target = node.get(key)
            if isinstance(target, Scalar):
                return target.text if key == "op" else f"block {target.text}"
        return "node"
    return "chain"


def _fields(kind: Kind, used: set[str]) -> Iterator[Proposal]:
    if isinstance(kind, Record):
        for field in kind.fields.values():
            if field.name not in used:
                text = field_text(field, kind.title)
                yield Proposal(field.name, CompletionItemKind.Property, field.kind.words, text, is_key=True)
    elif isinstance(kind, Tagged):
        for name, record in kind.records.items():
            yield Proposal(
                name, CompletionItemKind.EnumMember, kind.title, record_text(record, kind.title), is_key=True
            )


def _values(place: Place, cursor: Cursor) -> Iterator[Proposal]:
    kinds = kinds_in(place.kind) if place.kind is not None else [Bool()]
    for kind in kinds:
        if isinstance(kind, Bool):
            yield from (Proposal(name, CompletionItemKind.Value) for name in ("true", "false"))
        elif isinstance(kind, Choice):
            yield from (Proposal(name, CompletionItemKind.EnumMember) for name in kind.options)
        elif isinstance(kind, Padding) and kind.same:
            yield Proposal("same", CompletionItemKind.EnumMember, "keeps the size")
        elif isinstance(kind, Tagged):
            yield from (_tagged(kind, record, cursor) for record in kind.records.values())
        elif isinstance(kind, Record):
            yield from _fields_on_own_line(kind, place, cursor)
    if place.path[-2:] == ("data", "name"):
        yield from (Proposal(name, CompletionItemKind.Value, "data set") for name in dataset_names())
    if place.op is not None and place.path[-1:] == (place.argument,):
        argument = place.op.arguments[place.argument or ""]
        if not argument.required and not argument.implied:
            yield Proposal("default", CompletionItemKind.Keyword, "the op's own default")


def _tagged(kind: Tagged, record: Record, cursor: Cursor) -> Proposal:
    required = [field.name for field in record.fields.values() if field.required]
    snippet = None
    if required and not cursor.in_quotes:
        quote = '"' if cursor.is_json else ""
        holes = ", ".join(f"{quote}{name}{quote}: ${{{index}}}" for index, name in enumerate(required, 1))
        snippet = f"{{{quote}{record.title}{quote}: {{{holes}\\}}\\}}"
    text = record_text(record, kind.title)
    return Proposal(record.title, CompletionItemKind.EnumMember, kind.title, text, snippet=snippet)


def _fields_on_own_line(kind: Record, place: Place, cursor: Cursor) -> Iterator[Proposal]:
    """The first key of a mapping, where it begins on a line of its own."""
    if not cursor.is_json and cursor.text[: cursor.start].strip() in ("", "-"):
        yield from _fields(kind, set())


def _files(place: Place) -> Iterator[Proposal]:
    own = place.scope.file.source.path
    folder = os.path.dirname(own) or "."
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith((".yaml", ".yml", ".json")) and name != os.path.basename(own):
            yield Proposal(name, CompletionItemKind.File)


# expressions -----------------------------------------------------------------------------------


def _expression(place: Place, text: str) -> Iterator[Proposal] | None:
    """What an expression may name at the end of `text`, or None outside of expressions."""
    if re.search(r"(?<!\$)\$[A-Za-z0-9_]*$", text):
        return _variables(place)
    start = text.rfind("$(")
    if start < 0 or text.count("(", start) <= text.count(")", start):
        return None
    measured = re.search(r"([A-Za-z_][A-Za-z0-9_.-]*)\.[A-Za-z0-9_]*$", text[start:])
    if measured is not None:
        return (
            Proposal(f"{measured[1]}.{name}", CompletionItemKind.Property, f"of `{measured[1]}`")
            for name in SIZE_PROPERTIES
        )
    return _names(place)


def _variables(place: Place) -> Iterator[Proposal]:
    for name, _, value, what in place.scope.variables():
        if MARK not in name:
            detail = what if value is None else f"{what}: {written(place.scope.file.source, value)}"
            yield Proposal(name, CompletionItemKind.Variable, detail.replace(MARK, ""))
    if isinstance(place.node, Mapping) and place.node.get("repeat") is not None:
        yield Proposal("index", CompletionItemKind.Variable, "number of the instance, from 0")
    for name in IMPLIED_NAMES:
        yield Proposal(name, CompletionItemKind.Variable, "of the node's first input")


def _names(place: Place) -> Iterator[Proposal]:
    yield from _variables(place)
    for name in FUNCTIONS:
        yield Proposal(name, CompletionItemKind.Function, snippet=f"{name}(${{1}})")
    for name, found in place.scope.names():
        if MARK not in name and "$" not in name:
            yield Proposal(name, CompletionItemKind.Reference, f"{_what(found.tree)}: .channels, .height, …")
