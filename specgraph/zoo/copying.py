"""A network of the zoo as files of one's own: its spec under a new name, with the libraries that it includes."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from specgraph.errors import CommandError
from specgraph.zoo.networks import Network, specs

INCLUDE = re.compile(r"^include:.*$", re.MULTILINE)
INCLUDED = re.compile(r"(?<=[\s{:])((?:[\w.-]+/)*)([\w-]+\.(?:yaml|json))")
NAME = re.compile(r"^name:.*$", re.MULTILINE)
RECIPES = re.compile(r"^\n?recipes:.*\n(?:[ #].*\n|\n)*", re.MULTILINE)
EXPECT = re.compile(r""",? ?\bexpect: ?(?:"[^"]*"|'[^']*'|\{[^}]*\}|\[[^\]]*\]|[^\s,}]+)""")
EXPECT_LINE = re.compile(r"^ *expect: .*\n", re.MULTILINE)


class Copy(NamedTuple):
    """The text of a spec, the texts of the libraries beside it by file name, and what to say."""

    text: str
    libraries: dict[str, str]
    notes: tuple[str, ...]


def copy_network(network: Network, name: str, *, classes: int | None, size: tuple[int, ...] | None) -> Copy:
    """A network under a new `name` (as YAML or JSON text writes it), with other classes or another input.

    Expected sizes of maps stay if they hold. Raises `CommandError` for what the spec cannot take.
    """
    values = dict(network.values) | ({} if classes is None else {"classes": classes})
    if network.spec.endswith(".json"):
        return Copy(_as_json(_read(network.spec), network, name, values, size), {}, ())
    text = _read(network.spec)
    libraries: dict[str, str] = {}
    text = _flattened(text, network.spec, libraries)
    text = NAME.sub(lambda _: f"name: {name}", text, count=1)
    for variable, value in values.items():
        text = _with_value(text, variable, value, network)
    if size is not None:
        text = _with_input(text, size, network)
    if size is None and not network.values:
        return Copy(text, libraries, ())
    plain = EXPECT.sub("", EXPECT_LINE.sub("", text))
    return Copy(plain, libraries, ("sizes under `expect` are of another network and are left out",) * (plain != text))


def without_recipes(copied: Copy) -> Copy:
    """A copy whose recipes are left out."""
    note = "the recipes of the network are for other data and are left out"
    if copied.text.startswith("{"):
        spec = json.loads(copied.text)
        del spec["recipes"]
        return copied._replace(text=json.dumps(spec, indent=2) + "\n", notes=(*copied.notes, note))
    return copied._replace(text=RECIPES.sub("", copied.text), notes=(*copied.notes, note))


def _read(spec: str) -> str:
    place = specs()
    for part in spec.split("/"):
        place = place / part
    try:
        return place.read_text(encoding="utf-8")
    except OSError:
        raise CommandError(f"the package has no {spec}", "install it again: its specs are missing") from None


def _flattened(text: str, spec: str, libraries: dict[str, str]) -> str:
    """A spec whose includes lie beside it; their texts are added to `libraries`."""
    found = INCLUDE.search(text)
    if found is None:
        return text
    for folder, file in INCLUDED.findall(found[0]):
        below = _resolved(spec, f"{folder}{file}")
        if file not in libraries:
            libraries[file] = ""
            libraries[file] = _flattened(_read(below), below, libraries)
    line = INCLUDED.sub(lambda each: each[2], found[0])
    return text[: found.start()] + line + text[found.end() :]


def _resolved(spec: str, include: str) -> str:
    """The path below the folder of specs of a file that a spec includes."""
    parts = spec.split("/")[:-1]
    for part in include.split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def _with_value(text: str, variable: str, value: Any, network: Network) -> str:
    start = text.find("\nvars:")
    found = re.compile(rf"^(  {re.escape(variable)}: )([^\s#]+)", re.MULTILINE).search(text, max(start, 0))
    if start < 0 or found is None:
        raise CommandError(f"{network.name} has no variable `{variable}`", f"its spec is {network.spec}")
    return text[: found.start()] + found[1] + json.dumps(value) + text[found.end() :]


def _with_input(text: str, size: tuple[int, ...], network: Network) -> str:
    found = re.compile(r"^(  \w+: )\[[^\]]*\]", re.MULTILINE).search(text, max(text.find("\ninputs:"), 0))
    if found is None:
        raise CommandError(f"the input of {network.name} is not a list of sizes", f"its spec is {network.spec}")
    before = text[found.end(1) : found.end()].count(",") + 1
    if before != len(size):
        wanted = "x".join(("C", "H", "W")[-before:])
        raise CommandError(f"{network.name} takes {before} sizes, not {len(size)}", f"write --input {wanted}")
    return text[: found.end(1)] + f"[{', '.join(map(str, size))}]" + text[found.end() :]


def _as_json(text: str, network: Network, name: str, values: dict[str, Any], size: tuple[int, ...] | None) -> str:
    spec = json.loads(text)
    spec["name"] = name
    for variable, value in values.items():
        if variable not in spec.get("vars", {}):
            raise CommandError(f"{network.name} has no variable `{variable}`", f"its spec is {network.spec}")
        spec["vars"][variable] = value
    if size is not None:
        spec["inputs"][next(iter(spec["inputs"]))] = list(size)
        _drop_expect(spec)
    return json.dumps(spec, indent=2) + "\n"


def _drop_expect(value: Any) -> None:
    if isinstance(value, dict):
        value.pop("expect", None)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _drop_expect(each)
