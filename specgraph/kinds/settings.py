"""Typed records: a class whose fields carry their kinds, their defaults and what they mean.

    class Cosine(Settings, tag="cosine"):
        min_lr: float = setting(Number(0), "rate at the end", default=0.0)

`record_of(Cosine)` is the kind that checks a mapping and gives a `Cosine`. Type checkers see a frozen
dataclass with keyword arguments. It is not one at run time: making a dataclass takes a millisecond, and `check`
makes all of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, dataclass_transform

from specgraph.kinds.invalid import Unknown
from specgraph.kinds.kinds import Kind
from specgraph.kinds.records import Field, Form, Record


class _Setting(Field):
    """A field as an attribute of its class: it stands where an instance has no value of its own."""

    __slots__ = ()

    def __init__(self, kind: Kind, default: Any, doc: str) -> None:
        super().__init__("", kind, default, doc)

    def __set_name__(self, owner: type[Settings], name: str) -> None:
        self.name = name

    def __get__(self, instance: Settings | None, owner: type[Settings]) -> Any:
        if instance is None:
            return self
        raise Unknown(self.name)


def setting(kind: Kind, doc: str, *, default: Any = ...) -> Any:
    """A field of a `Settings` class; without a `default` it must be given."""
    return _Setting(kind, default, doc)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
class Settings:
    """Base of typed records. Instances are frozen, equal where class and values are, and can be pickled.

    `tag` is the name under which a `Tagged` kind offers the class. Of an instance that a fault made incomplete
    (`partial`), to ask for a wrong value raises `Unknown`.
    """

    tag: ClassVar[str] = ""
    shown_as: ClassVar[str] = ""
    """The field that is written in place of all of them."""
    fields: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(cls, *, tag: str = "") -> None:
        cls.tag = tag
        cls.fields = {**cls.fields, **{n: value for n, value in vars(cls).items() if isinstance(value, _Setting)}}

    if not TYPE_CHECKING:  # a type checker derives the constructor from the fields

        def __init__(self, **values: Any) -> None:
            unknown = next((name for name in values if name not in self.fields), None)
            lacking = next((f.name for f in self.fields.values() if f.required and f.name not in values), None)
            if unknown is not None or lacking is not None:
                fault = f"no field `{unknown}`" if unknown is not None else f"to be given `{lacking}`"
                raise TypeError(f"{type(self).__name__} has {fault}")
            self.__dict__.update({field.name: field.default for field in self.fields.values()} | values)

    @classmethod
    def partial(cls, values: dict[str, Any]) -> Self:
        """An instance that knows these values alone."""
        made = cls.__new__(cls)
        made.__dict__.update(values)
        return made

    def replace(self, **changes: Any) -> Self:
        """A copy with other values."""
        return type(self)(**{**self.known(), **changes})

    def known(self) -> dict[str, Any]:
        """Its values by name: of a partial one, those that are right."""
        return dict(self.__dict__)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace({name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def record_of(
    cls: type[Settings],
    *,
    title: str = "",
    foreign: dict[str, str] | None = None,
    elsewhere: dict[str, str] | None = None,
) -> Record:
    """The kind of mapping that becomes an instance of a class, called `title` in messages, or as its tag."""
    return Record(
        title or cls.tag,
        *cls.fields.values(),
        foreign=foreign,
        elsewhere=elsewhere,
        form=Form(cls, cls.partial),
    )


def to_plain(value: Any) -> Any:
    """A canonical value as it is written in a spec: its kind's `check` gives the same value again.

    Fields that are switched off (None) are left out.
    """
    if isinstance(value, Settings) and value.shown_as:
        return to_plain(value.known()[value.shown_as])
    if isinstance(value, Settings):
        fields = {name: to_plain(each) for name, each in value.known().items() if each is not None}
        return fields if not value.tag else {value.tag: fields} if fields else value.tag
    if isinstance(value, dict):
        return {name: to_plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value
