"""Files, standard input, text and Python dicts to syntax trees."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Span
from specgraph.errors import CommandError
from specgraph.source.limits import limit
from specgraph.source.tree import Format, Parsed, Source

CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
NOT_CHARACTERS = ("\ufffe", "\uffff")
BYTE_ORDER_MARK = "\ufeff"
STDIN = "<stdin>"
DICT = "<dict>"


_overlay: dict[str, bytes] = {}


@contextmanager
def overlaid(contents: dict[str, bytes]) -> Iterator[None]:
    """While it lasts, files read as `contents` says instead of what is on disk. Keys are real paths,
    or `-` for standard input; the mapping may change meanwhile (an editor's unsaved files)."""
    global _overlay
    before, _overlay = _overlay, contents
    try:
        yield
    finally:
        _overlay = before


def read_file(path: str, collector: Collector) -> Parsed:
    """Read a spec; `-` is standard input. Raises `CommandError` where there is no such file or it
    cannot be read; what is wrong with its content goes to `collector`."""
    most = limit("SPECGRAPH_MAX_BYTES")
    shown = STDIN if path == "-" else path
    instead = _overlay.get(path if path == "-" else os.path.realpath(path)) if _overlay else None
    if instead is not None:
        return read_bytes(instead, shown, collector)
    try:
        if path == "-":
            data = sys.stdin.buffer.read(most + 1)
        else:
            with open(path, "rb") as file:
                data = file.read(most + 1)
    except FileNotFoundError:
        raise CommandError(f"{path}: no such file", _similar_file(path)) from None
    except IsADirectoryError:
        raise CommandError(f"{path} is a folder, not a spec") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"{path} cannot be read: {reason[:1].lower()}{reason[1:]}") from None
    return read_bytes(data, shown, collector)


def read_bytes(data: bytes, path: str, collector: Collector, format: Format | None = None) -> Parsed:
    """Read a spec from the bytes of a file."""
    format = format or format_of(path)
    nowhere = Span(path, 1, 1, 1, 1)
    most = limit("SPECGRAPH_MAX_BYTES")
    if len(data) > most:
        collector.say("too-large", "file", {"most": f"{most:,}"}, nowhere)
        return Parsed(Source(path, "", format), None)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in data[:4] and data[:1] in b"{[\0#s"):
        collector.say("not-text", "wide characters", {}, nowhere)
        return Parsed(Source(path, "", format), None)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"\0" in data or data.startswith((b"PK", b"\x89PNG", b"\x1f\x8b")):
            collector.say("not-text", "binary", {}, nowhere)
            return Parsed(Source(path, "", format), None)
        source = Source(path, data.decode("utf-8", "replace"), format)
        line, column = source.position(len(data[: error.start].decode("utf-8")))
        facts = {"byte": f"0x{data[error.start]:02x}"}
        collector.say("not-text", "byte", facts, Span(path, line, column, line, column + 1))
        return Parsed(source, None)
    return read_text(text, path, collector, format)


def read_text(text: str, path: str, collector: Collector, format: Format | None = None) -> Parsed:
    """Read a spec from text. The format goes by the path's ending unless given."""
    format = format or format_of(path)
    has_bom = text.startswith(BYTE_ORDER_MARK)
    source = Source(path, text[1:] if has_bom else text, format, has_bom)
    bad = _first_bad_character(source.text)
    if bad is not None:
        line, column = source.position(bad)
        case = "binary" if source.text[bad] == "\0" else "character"
        facts = {"character": f"U+{ord(source.text[bad]):04X}"}
        collector.say("not-text", case, facts, Span(path, line, column, line, column + 1))
        return Parsed(source, None)
    if format == "json":
        from specgraph.source.json_reader import parse_json

        return parse_json(source, collector)
    from specgraph.source.yaml_reader import parse_yaml

    return parse_yaml(source, collector)


def _first_bad_character(text: str) -> int | None:
    """Offset of the first character that cannot stand in a spec: a control character, half of a
    surrogate pair, or a code point that is no character."""
    found = CONTROL.search(text)
    offsets = [found.start()] if found is not None else []
    if not text.isascii():
        offsets += [position for character in NOT_CHARACTERS if (position := text.find(character)) >= 0]
        try:
            text.encode()
        except UnicodeEncodeError as error:
            offsets.append(error.start)
    return min(offsets, default=None)


def read_plain(value: dict[str, Any], collector: Collector) -> Parsed:
    """Read a spec given as a Python dict, by writing it out as text so that places exist.

    Raises `CommandError` for a value that JSON cannot hold.
    """
    import json

    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        where, what = _unwritable(value)
        raise CommandError(
            f"a spec given as a dict holds {what}{f' at {where}' if where else ''}",
            "use text, finite numbers, True, False, None, lists and dicts",
        ) from None
    return read_text(text, DICT, collector, "json")


def format_of(path: str) -> Format:
    """JSON for a path that ends in `.json`, else YAML."""
    return "json" if path.lower().endswith(".json") else "yaml"


def _similar_file(path: str) -> str | None:
    """A hint at a file of nearly that name in the same folder."""
    from specgraph.diagnostics.names import nearest

    folder, name = os.path.split(path)
    try:
        listing = os.listdir(folder or ".")
    except OSError:
        return None
    for ending in (".yaml", ".yml", ".json"):
        if name + ending in listing:
            return f"did you mean {os.path.join(folder, name + ending)}?"
    close = nearest(name, [entry for entry in listing if entry.endswith((".yaml", ".yml", ".json"))])
    return f"did you mean {os.path.join(folder, close)}?" if close else None


def _unwritable(value: Any) -> tuple[str, str]:
    """Path and description of the first value that JSON cannot hold."""
    pending: list[tuple[str, Any, tuple[int, ...]]] = [("", value, ())]
    while pending:
        path, current, above = pending.pop()
        if id(current) in above:
            return path, "a collection that contains itself"
        if len(above) > limit("SPECGRAPH_MAX_DEPTH"):
            return path[:80], f"collections nested more than {limit('SPECGRAPH_MAX_DEPTH')} deep"
        if isinstance(current, dict):
            for key, item in current.items():
                if not isinstance(key, (str, int, float, bool, type(None))):
                    return path, f"a key of type {type(key).__name__}"
                pending.append((f"{path}.{key}" if path else str(key), item, (*above, id(current))))
        elif isinstance(current, (list, tuple)):
            pending += [(f"{path}[{i}]", item, (*above, id(current))) for i, item in enumerate(current)]
        elif isinstance(current, float) and (current != current or abs(current) == float("inf")):
            return path, f"the number {current}"
        elif not isinstance(current, (str, int, float, bool, type(None))):
            return path, f"a value of type {type(current).__name__}"
    return "", "something that cannot be written as JSON"
