"""Ops, arguments, rules and nodes in Markdown, as an editor shows them in a hover or a completion."""

from __future__ import annotations

from functools import cache
from typing import Any

from specgraph.analysis.summary import NodeSummary, summarise_node
from specgraph.analysis.summary_table import show_count
from specgraph.diagnostics.rule import Rule
from specgraph.graph.dims import Dim
from specgraph.graph.model import Scope
from specgraph.kinds.kinds import Either, Kind
from specgraph.kinds.records import Field, Record, Tagged
from specgraph.kinds.settings import to_plain
from specgraph.kinds.shown import show
from specgraph.language_server.analysis import Instances
from specgraph.language_server.scopes import block_arguments
from specgraph.ops.definition import Argument, Op
from specgraph.source.tree import Mapping, Scalar, Source, Tree

MAX_ROWS = 12


def op_text(op: Op) -> str:
    """An op: summary, formula, arguments."""
    lines = [f"**`{op.name}`** — {op.summary}"]
    if op.formula:
        lines += ["", f"`{op.formula}`"]
    if op.arguments:
        lines += ["", "| argument | takes | default |", "|---|---|---|"]
        lines += [f"| `{a.name}` | {_cell(a.kind.words)} | {default_of(a)} |" for a in op.arguments.values()]
    if op.foreign:
        lines += ["", "Elsewhere: " + ", ".join(f"`{name}`" for name in op.foreign)]
    return "\n".join(lines)


def argument_text(op: Op, argument: Argument) -> str:
    """An argument of an op: what it takes, its default, what it means."""
    lines = [f"**`{argument.name}`** of `{op.name}` — {argument.kind.words}"]
    if argument.doc:
        lines += ["", argument.doc]
    lines += ["", f"Default: {default_of(argument)}"]
    return "\n".join(lines)


def default_of(argument: Argument) -> str:
    """An argument's default in words or code."""
    if argument.implied:
        return "implied by the graph"
    if argument.required:
        return "required"
    return "none" if argument.default is None else f"`{show(argument.default)}`"


def field_text(field: Field, holder: str) -> str:
    """A field of a recipe or of one of its parts."""
    default = "required" if field.required else "none" if field.default is None else f"`{_plain(field.default)}`"
    lines = [f"**`{field.name}`** of `{holder}` — {field.kind.words}"]
    if field.doc:
        lines += ["", field.doc]
    return "\n".join([*lines, "", f"Default: {default}"])


def record_text(record: Record, what: str) -> str:
    """A named choice (an optimizer, an augmentation) with its fields."""
    lines = [f"**`{record.title}`** — {what}"]
    if record.fields:
        lines += ["", "| field | takes | default | |", "|---|---|---|---|"]
        for field in record.fields.values():
            default = "required" if field.required else "–" if field.default is None else f"`{_plain(field.default)}`"
            lines.append(f"| `{field.name}` | {_cell(field.kind.words)} | {default} | {_cell(field.doc)} |")
    return "\n".join(lines)


def rule_text(rule: Rule) -> str:
    """A rule: summary and explanation."""
    return f"**{rule.code} {rule.name}** ({rule.severity}): {rule.summary}\n\n{rule.explanation.strip()}"


def block_text(name: str, source: Source, block: Tree) -> str:
    """A block: its signature and its own description."""
    arguments = ", ".join(
        key.text if value is None else f"{key.text}: {written(source, value)}" for key, value in block_arguments(block)
    )
    lines = [f"**block `{name}`** — {{{arguments}}}" if arguments else f"**block `{name}`** — no arguments"]
    description = block.get("description") if isinstance(block, Mapping) else None
    if isinstance(description, Scalar):
        lines += ["", description.text]
    return "\n".join(lines)


def written(source: Source, tree: Tree) -> str:
    """A value as it stands in the text, shortened."""
    start, end = source.offset(tree.line, tree.column), source.offset(tree.end_line, tree.end_column)
    text = " ".join(source.text[start:end].split())
    return text if len(text) <= 80 else text[:77] + "..."


def kinds_in(kind: Kind) -> list[Kind]:
    """A kind and, of alternatives, all of them."""
    if isinstance(kind, Either):
        return [inner for option in kind.kinds for inner in kinds_in(option)]
    return [kind]


def find_record(kind: Kind, name: str) -> Record | None:
    """The named choice of a kind."""
    for option in kinds_in(kind):
        if isinstance(option, Tagged) and name in option.records:
            return option.records[name]
    return None


# nodes -----------------------------------------------------------------------------------------


def instances_text(instances: Instances) -> str:
    """What a node as written became: per instance, equal ones once."""
    if instances.scopes:
        return _scopes_text(instances)
    fields = instances.owner.receptive_fields
    rows = [summarise_node(node, fields[node.path]) for node in instances.nodes if node.path in fields]
    folded: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        folded.setdefault(_facts(row), []).append(row.path)
    if not folded:
        return ""
    if len(folded) == 1:
        facts, paths = next(iter(folded.items()))
        op = rows[0].op
        lines = [f"**`{paths[0]}`** — {op}" + (f", {len(paths)} equal instances" if len(paths) > 1 else ""), ""]
        lines += ["| | |", "|---|---|"]
        names = ("output", "parameters", "multiply-adds", "receptive field")
        lines += [f"| {name} | {fact} |" for name, fact in zip(names, facts, strict=True) if fact]
        node = instances.nodes[0]
        if node.inputs:
            lines.append(f"| reads | {', '.join(f'`{p}`' for p in node.inputs)} ({_input_types(instances)}) |")
        return "\n".join(lines)
    lines = [f"**{rows[0].op}**, {len(rows)} instances", ""]
    lines += ["| node | output | parameters | multiply-adds | receptive field |", "|---|---|--:|--:|---|"]
    for facts, paths in list(folded.items())[:MAX_ROWS]:
        lines.append(f"| {_fold(paths)} | " + " | ".join(facts) + " |")
    if len(folded) > MAX_ROWS:
        lines += ["", f"and {len(folded) - MAX_ROWS} more"]
    return "\n".join(lines)


def _input_types(instances: Instances) -> str:
    return ", ".join(str(kind) for kind in instances.nodes[0].input_types)


def _scopes_text(instances: Instances) -> str:
    graph = instances.graph
    outputs = dict(instances.outputs())
    folded: dict[tuple[str, ...], list[Scope]] = {}
    for scope in instances.scopes:
        if scope.path in outputs:
            inner = [node for path, node in graph.nodes.items() if path.startswith(scope.path + ".")]
            fields = instances.owner.receptive_fields
            rows = [summarise_node(node, fields[node.path]) for node in inner if node.path in fields]
            multiply_adds: Dim = 0
            for row in rows:
                multiply_adds = multiply_adds + row.multiply_adds
            reach = fields.get(scope.output)
            facts = (
                outputs[scope.path],
                f"{sum(row.parameters for row in rows):,}",
                show_count(multiply_adds),
                str(reach) if reach is not None else "",
                str(len(rows)),
                show_arguments(scope.arguments),
            )
            folded.setdefault(facts, []).append(scope)
    if not folded:
        return ""
    first = next(iter(folded.values()))[0]
    kind = {"repeat": "repeated", "chain": "chain", "block": "block"}[first.kind]
    title = f"{kind} `{first.block}`" if first.block else kind
    lines = [f"**`{first.path}`** — {title}" if len(folded) == 1 else f"**{title}**, {len(outputs)} instances", ""]
    lines += ["| | output | parameters | multiply-adds | receptive field | nodes | arguments |"]
    lines += ["|---|---|--:|--:|---|--:|---|"]
    for row_facts, scopes in list(folded.items())[:MAX_ROWS]:
        lines.append(f"| {_fold([scope.path for scope in scopes])} | " + " | ".join(row_facts) + " |")
    if len(folded) > MAX_ROWS:
        lines += ["", f"and {len(folded) - MAX_ROWS} more"]
    return "\n".join(lines)


def show_arguments(arguments: dict[str, Any]) -> str:
    """A block's arguments in a line."""
    return _cell(", ".join(f"{name}: {show(value)}" for name, value in arguments.items()))


def _facts(row: NodeSummary) -> tuple[str, str, str, str]:
    reach = str(row.receptive_field)
    strides = {str(stride) for stride in row.receptive_field.strides if stride is not None}
    if reach and reach != "all" and len(strides) == 1:
        reach += f", stride {strides.pop()}"
    count = show_count(row.multiply_adds) if row.multiply_adds else ""
    return str(row.output), f"{row.parameters:,}" if row.parameters else "", count, reach


def _fold(paths: list[str]) -> str:
    if len(paths) == 1:
        return f"`{paths[0]}`"
    return f"`{paths[0]}` … `{paths[-1]}` (×{len(paths)})"


# keys ------------------------------------------------------------------------------------------


@cache
def key_docs() -> dict[str, dict[str, str]]:
    """What the keys of the language mean: `top`, `node` and `block`, from the schema."""
    from specgraph.language.schema import json_schema

    schema = json_schema()
    definitions = schema["definitions"]
    node = dict(definitions["op-conv"]["properties"])
    properties = {
        "top": schema["properties"],
        "node": {**node, "op": {"description": "what the node computes"}},
        "block": definitions["block"]["anyOf"][0]["properties"],
    }
    docs = {
        where: {key: str(entry.get("description", "")) for key, entry in entries.items()}
        for where, entries in properties.items()
    }
    docs["node"]["block"] = "the block it is an instance of"
    for name in ("defaults", "flat"):
        docs["node"].setdefault(name, "")
    docs["block"].setdefault("nodes", "its nodes, by name or as a list")
    return docs


def _plain(default: object) -> str:
    return show(to_plain(default))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
