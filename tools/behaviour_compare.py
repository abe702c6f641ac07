"""What differs between two snapshots of `tools/behaviour.py`; sentences apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Snapshot = dict[str, Any]


def differences(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """What is another behaviour, a line each. Sentences are not among it."""
    old, new = before["files"], after["files"]
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"{name}: only in the first snapshot"
        elif name not in old:
            yield f"{name}: only in the second snapshot"
        else:
            yield from _of_file(name, old[name], new[name])


def changed_words(before: Snapshot, after: Snapshot) -> list[tuple[str, str, str, list[str]]]:
    """Sentences that changed, each once: code, old, new, and the files where. Only diagnostics that are the same
    but for their sentences are compared."""
    changed: dict[tuple[str, str, str], list[str]] = {}
    for name, old in before["files"].items():
        new = after["files"].get(name)
        if new is None or old.get("diagnostics") != new.get("diagnostics"):
            continue
        codes = [found["code"] for found in old.get("diagnostics", [])] or [""] * len(old.get("words", []))
        for code, one, other in zip(codes, old.get("words", []), new.get("words", []), strict=False):
            if one == other:
                continue
            pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b] if len(one) == len(other) else []
            for a, b in pairs or [(" | ".join(one), " | ".join(other))]:
                changed.setdefault((code, a, b), []).append(name)
    return [(*key, files) for key, files in sorted(changed.items())]


def compare_snapshots(before: Snapshot, after: Snapshot, most: int) -> int:
    """Print the differences, then the sentences that changed. Returns 1 where there is a difference, else 0."""
    found = list(differences(before, after))
    for line in found[:most]:
        print(line)
    if len(found) > most:
        print(f"… and {len(found) - most} more")
    words = changed_words(before, after)
    if words:
        print(f"\n{len(words)} sentences changed (no difference):")
    for code, old, new, files in words[:most]:
        print(f"{code or 'refusal'}, in {len(files)} files such as {files[0]}\n  - {old}\n  + {new}")
    if len(words) > most:
        print(f"… and {len(words) - most} more")
    compared = len(before["files"].keys() & after["files"].keys())
    print(f"\n{len(found)} differences in {compared} files")
    return int(bool(found))


def _of_file(name: str, old: Any, new: Any) -> Iterator[str]:
    for part in sorted((old.keys() | new.keys()) - {"words"}):
        one, other = old.get(part), new.get(part)
        if one == other:
            continue
        if part == "diagnostics" and one is not None and other is not None:
            gone, come = _without(one, other), _without(other, one)
            yield from (f"{name}: no longer {_shown(found)}" for found in gone)
            yield from (f"{name}: now {_shown(found)}" for found in come)
            if not gone and not come:
                yield f"{name}: the same diagnostics in another order"
        elif part in ("summary", "state_dict") and isinstance(one, dict) and isinstance(other, dict):
            yield f"{name}: {part}: " + "; ".join(list(_first_changes(one, other, ""))[:3])
        else:
            yield f"{name}: {part}: {_shown(one)} became {_shown(other)}"


def _without(some: list[Any], others: list[Any]) -> list[Any]:
    left = list(others)
    kept = []
    for item in some:
        if item in left:
            left.remove(item)
        else:
            kept.append(item)
    return kept


def _first_changes(old: Any, new: Any, at: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield from _first_changes(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            if one != other:
                yield from _first_changes(one, other, f"{at}[{number}]")
    else:
        yield f"{at}: {_shown(old)} became {_shown(new)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + "…"
