"""The JSON Schema (draft-07) of the language, derived from the definitions of ops, recipes and kinds.

It knows forms: keys, names of ops, kinds of values. What needs the whole spec (references, shapes,
arguments that a `defaults` section may supply) is left to the checker.
"""

from __future__ import annotations

from typing import Any

from specgraph.graph.names import SEGMENT
from specgraph.kinds.settings import to_plain
from specgraph.language.initialisers import INIT_VALUE
from specgraph.language.read import LANGUAGE_VERSION
from specgraph.ops.definition import Op
from specgraph.ops.registry import ops
from specgraph.recipes.recipe import RECIPE

Schema = dict[str, Any]

EXPRESSION: Schema = {"$ref": "#/definitions/expression"}
NODES: Schema = {"$ref": "#/definitions/nodes"}
NAME: Schema = {"type": ["string", "number", "boolean"]}
TEXT: Schema = {"type": "string"}
IDENTIFIERS: Schema = {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
NODE_NAMES: Schema = {"pattern": rf"\$|^{SEGMENT}(\.{SEGMENT})*$"}
SIZE: Schema = {"type": "integer", "minimum": 1}


def json_schema() -> Schema:
    """The schema as plain data, ready for `json.dumps`."""
    known = ops()
    definitions: Schema = {
        "expression": {"type": "string", "pattern": r"\$", "description": "an expression: $name or $(...)"},
        "nodes": _nodes(),
        "node": _node(known),
        "initialiser": _flexible(INIT_VALUE.schema()),
        "defaults": _defaults(known),
        "block": _block(),
        "recipe": _flexible(RECIPE.schema()),
        **{f"op-{name}": _op(op) for name, op in known.items()},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "specgraph.schema.json",
        "title": "specgraph spec",
        "description": "A convolutional network: inputs, nodes, blocks, training recipes.",
        "type": "object",
        "properties": _top(),
        "required": ["specgraph"],
        "anyOf": [{"required": ["inputs", "nodes"]}, {"required": ["blocks"], "not": {"required": ["nodes"]}}],
        "additionalProperties": False,
        "definitions": definitions,
    }


def _top() -> Schema:
    dimension = {"anyOf": [SIZE, {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$|\$"}]}
    sizes = {"type": "array", "items": dimension, "minItems": 1, "maxItems": 4}
    names = {"type": "array", "items": NAME, "minItems": 1}
    return {
        "specgraph": _said({"const": LANGUAGE_VERSION}, "version of the language"),
        "name": {"type": ["string", "number"], "description": "what the network is called"},
        "description": {"type": ["string", "number"], "description": "free text"},
        "inputs": _said(
            _map({"anyOf": [sizes, EXPRESSION]}, IDENTIFIERS),
            "name to shape without the batch axis, (C, H, W); a size is a number or a symbol such as H",
        ),
        "vars": _said(_map({}, IDENTIFIERS), "name to value; `--set name=value` overrides"),
        "include": _said(
            _map({"anyOf": [TEXT, {"$ref": "#"}]}),
            "alias to a file of blocks (or those blocks themselves), used as alias.block",
        ),
        "defaults": _said({"$ref": "#/definitions/defaults"}, "op to arguments that nodes of that op take"),
        "blocks": _said(_map({"$ref": "#/definitions/block"}, {"pattern": f"^{SEGMENT}$"}), "parts used by name"),
        "nodes": _said(NODES, "the network: name to node, or a list of nodes (a chain)"),
        "outputs": _said(
            {"anyOf": [NAME, {**names, "items": NAME}, _map(NAME, {"pattern": f"^{SEGMENT}$"}), EXPRESSION]},
            "output name to node; the last node where absent",
        ),
        "recipes": _said(_map({"anyOf": [{"$ref": "#/definitions/recipe"}, EXPRESSION]}), "training recipes"),
    }


def _nodes() -> Schema:
    node = {"$ref": "#/definitions/node"}
    named = {"type": "object", "propertyNames": NODE_NAMES, "additionalProperties": node, "minProperties": 1}
    return {"anyOf": [named, {"type": "array", "items": node}]}


def _node(known: dict[str, Op]) -> Schema:
    rules = [
        {
            "if": {"properties": {"op": {"const": name}}, "required": ["op"]},
            "then": {"$ref": f"#/definitions/op-{name}"},
        }
        for name in known
    ]
    computed = {"if": {"properties": {"op": EXPRESSION}, "required": ["op"]}, "then": {"properties": _node_keys()}}
    block = {
        "if": {"required": ["block"]},
        "then": {"properties": {"block": TEXT, **_node_keys()}, "not": {"required": ["init"]}},
    }
    mapping = {
        "type": "object",
        "properties": {"op": _said({"anyOf": [{"enum": list(known)}, EXPRESSION]}, "what the node computes")},
        "oneOf": [{"required": ["op"]}, {"required": ["block"]}],
        "allOf": [*rules, computed, block],
    }
    bare = {"anyOf": [{"enum": list(known)}, EXPRESSION], "description": "an op without arguments"}
    chain = {"type": "array", "items": {"$ref": "#/definitions/node"}, "minItems": 1, "description": "a chain of nodes"}
    return {"anyOf": [bare, chain, mapping]}


def _op_keys() -> Schema:
    """What a node may say whatever it is."""
    symbolic = {"type": "string", "pattern": r"^[\sA-Za-z0-9_×+*/(),-]+$"}  # sizes by name: HxWx64, H - 2
    shape: Schema = {
        "anyOf": [
            SIZE,
            {"type": "array", "items": {"anyOf": [SIZE, EXPRESSION, symbolic]}, "minItems": 1},
            {"anyOf": [EXPRESSION, symbolic]},
        ]
    }
    sources = {"anyOf": [NAME, {"type": "array", "items": NAME, "minItems": 1}]}
    return {
        "from": _said(sources, "what it reads: a name or a list of names; the node before it where absent"),
        "expect": _said(shape, "the shape that should come out: [C, H, W], HxWxC, HxW or a number"),
        "repeat": _said({"anyOf": [{"type": "integer", "minimum": 0}, EXPRESSION]}, "that many instances in a chain"),
        "when": _said({"anyOf": [{"type": "boolean"}, EXPRESSION]}, "absent where false"),
        "share": _said(NAME, "a node whose parameters this one uses"),
        "train_only": _said({"type": "boolean"}, "present in training only"),
    }


def _node_keys() -> Schema:
    """What a node may say, those keys included that are for blocks."""
    return {
        **_op_keys(),
        "flat": _said({"type": "boolean"}, "entries of a list block take the outer list's numbers"),
        "defaults": _said({"$ref": "#/definitions/defaults"}, "arguments for every node of an op inside a block"),
    }


def _op(op: Op) -> Schema:
    initialiser = {"$ref": "#/definitions/initialiser"}
    parameters = {"anyOf": [initialiser, _map(initialiser)]} if op.is_source else _map(initialiser)
    return {
        "description": op.summary,
        "type": "object",
        "properties": {
            "op": _said({"const": op.name}, op.summary),
            **_arguments(op),
            **_op_keys(),
            "init": _said(parameters, "the initialiser" if op.is_source else "parameter to initialiser"),
        },
        "additionalProperties": False,
    }


def _arguments(op: Op) -> Schema:
    found: Schema = {}
    for name, argument in op.arguments.items():
        kind = _flexible(argument.kind.schema())
        schema = _said({"anyOf": [kind, {"const": "default"}]}, argument.doc or argument.kind.words)
        default = _plain(argument.default)
        if not argument.required and default is not None:
            schema["default"] = default
        found[name] = schema
    return found


def _defaults(known: dict[str, Op]) -> Schema:
    initialiser = {"$ref": "#/definitions/initialiser"}
    by_parameter = _map(initialiser)
    sections: Schema = {
        name: {
            "type": "object",
            "description": op.summary,
            "properties": {
                **_arguments(op),
                "init": {"anyOf": [initialiser, by_parameter]} if op.is_source else by_parameter,
            },
            "additionalProperties": False,
        }
        for name, op in known.items()
    }
    return {"type": "object", "properties": sections, "additionalProperties": False}


def _block() -> Schema:
    arguments = {"anyOf": [{"type": "array", "items": TEXT}, _map({})]}
    whole = {
        "type": "object",
        "properties": {
            "args": _said(arguments, "name to default value; null is required"),
            "vars": _said(_map({}), "name to value, computed for each use"),
            "inputs": _said(
                {"type": "array", "items": TEXT, "minItems": 1}, "names of its inputs; `input` where absent"
            ),
            "nodes": NODES,
            "output": _said(NAME, "the node whose output it gives; the last where absent"),
            "description": {"description": "free text"},
        },
        "required": ["nodes"],
        "additionalProperties": False,
    }
    return {"anyOf": [whole, {"type": "array", "items": {"$ref": "#/definitions/node"}}]}


def _map(values: Schema, names: Schema | None = None) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": values}
    return {**schema, "propertyNames": names} if names is not None else schema


def _said(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _flexible(schema: Schema) -> Schema:
    """The schema with an expression allowed wherever a value is."""
    found: Schema = {}
    for key, value in schema.items():
        if key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = _flexible(value)
        elif key == "properties":
            found[key] = {name: _flexible(inner) for name, inner in value.items()}
        elif key == "anyOf":
            found[key] = [_flexible(inner) for inner in value]
        elif key == "default":
            plain = _plain(value)
            if plain is not None:
                found[key] = plain
        else:
            found[key] = value
    described: Schema = {}
    for key in ("description", "default"):
        if key in found:
            described[key] = found.pop(key)
    if found.get("type") == "string" or not found:
        return {**found, **described}
    options = found["anyOf"] if set(found) == {"anyOf"} else [found]
    return {"anyOf": [*(option for option in options if option != EXPRESSION), EXPRESSION], **described}


def _plain(value: Any) -> Any:
    """A canonical default as it would be written."""
    return to_plain(value) if value is not None else None
