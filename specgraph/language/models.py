"""Pydantic models of the language, for those who build specs in Python.

They are made from the same definitions as the checker's own tables, so there is one source of truth:

    from specgraph.language.models import Spec, node

    spec = Spec(
        inputs={"image": [3, 32, 32]},
        nodes={"conv": node("conv", out_channels=16, kernel_size=3), "relu": "relu"},
    )
    graph = specgraph.load(spec.plain())

A wrong value raises `pydantic.ValidationError` at once; what needs the whole graph (references,
shapes) is found by `check`. `check` itself never imports this module.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from specgraph.kinds.invalid import Invalid
from specgraph.kinds.kinds import Kind
from specgraph.language.initialisers import INIT_VALUE
from specgraph.language.read import LANGUAGE_VERSION
from specgraph.ops.definition import Op
from specgraph.ops.registry import find, ops
from specgraph.recipes.recipe import RECIPE

FORBID = ConfigDict(extra="forbid", populate_by_name=True)


def of_kind(kind: Kind) -> Any:
    """The annotation of a value of this kind, or of an expression that yields one."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and "$" in value:
            return value
        try:
            kind.check(value)
        except Invalid as fault:
            raise ValueError(fault.message) from None
        return value

    schema = {"anyOf": [kind.schema(), {"type": "string", "pattern": r"\$"}]}
    return Annotated[Any, PlainValidator(check), WithJsonSchema(schema)]


class NodeModel(BaseModel):
    """What every node may say beside its arguments."""

    model_config = FORBID

    from_: str | list[str] | None = Field(default=None, alias="from")
    expect: int | str | list[int | str] | None = None
    repeat: int | str | None = None
    when: bool | str | None = None
    # what a kind of value is in annotations is known at run time only
    init: dict[str, of_kind(INIT_VALUE)] | of_kind(INIT_VALUE) | None = None  # type: ignore[valid-type]
    share: str | None = None
    train_only: bool | None = None


class BlockUse(NodeModel):
    """A use of a block; its arguments are extra fields."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    block: str
    defaults: dict[str, dict[str, Any]] | None = None
    flat: bool | None = None


class Block(BaseModel):
    """A block: its signature, variables, nodes."""

    model_config = FORBID

    args: dict[str, Any] | list[str] | None = None
    vars: dict[str, Any] | None = None
    inputs: list[str] | None = None
    nodes: dict[str, Any] | list[Any]
    output: str | None = None
    description: str | None = None


class Spec(BaseModel):
    """A whole file."""

    model_config = FORBID

    specgraph: int = LANGUAGE_VERSION
    name: str | None = None
    description: str | None = None
    inputs: dict[str, list[int | str]] | None = None
    vars: dict[str, Any] | None = None
    include: dict[str, str | dict[str, Any]] | None = None
    defaults: dict[str, dict[str, Any]] | None = None
    blocks: dict[str, Block] | None = None
    nodes: dict[str, Any] | list[Any] | None = None
    outputs: str | list[str] | dict[str, str] | None = None
    recipes: dict[str, of_kind(RECIPE)] | None = None  # type: ignore[valid-type]

    def plain(self) -> dict[str, Any]:
        """The spec as `specgraph.check`, `load` and `compile` take it."""
        dumped = self.model_dump(by_alias=True, exclude_none=True)
        assert isinstance(dumped, dict)
        return dumped


@cache
def op_model(name: str) -> type[NodeModel]:
    """The model of a node of that op. Raises KeyError for an unknown op."""
    op = find(name)
    if op is None:
        raise KeyError(f"unknown op {name!r}; known: {', '.join(ops())}")
    return _model(op)


def _model(op: Op) -> type[NodeModel]:
    fields: dict[str, Any] = {"op": (str, op.name)}
    for argument in op.arguments.values():
        annotation = of_kind(argument.kind)
        default = Field(..., description=argument.doc) if argument.required else Field(None, description=argument.doc)
        fields[argument.name] = (annotation if argument.required else annotation | None, default)
    title = "".join(word.capitalize() for word in op.name.split("_"))
    return create_model(title, __base__=NodeModel, __doc__=op.summary, **fields)


def node(op: str, **arguments: Any) -> NodeModel:
    """A node of an op, its arguments checked. `from_` stands for `from`."""
    return op_model(op)(**arguments)
