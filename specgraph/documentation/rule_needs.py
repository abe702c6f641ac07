"""Writes `specgraph/lint/rule_needs.py`, which says without an import of the rules what each of them needs."""

from __future__ import annotations

from specgraph.diagnostics.rule import function_of_rule, rules

HEAD = '''"""What rules need before they are imported. Written by `tools/docs` from `Rule`; do not edit.

Code: needs (names of `needs.py`), tasks (all if there are none), whether it also holds for files of blocks alone. Rules
whose faults others find are in `ASKED`.
"""

RULE_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
'''


def rule_needs_source() -> str:
    """The file's text."""
    rows = [
        f"    {_shown(rule.code)}: ({_shown_all(rule.needs)}, {_shown_all(rule.tasks)}, {rule.for_libraries}),\n"
        for rule in rules()
        if rule.needs or rule.tasks or rule.for_libraries
    ]
    run = (("SG5", "find"), ("SG9", "check"))
    asked = [
        f"    {_shown(rule.code)},\n"
        for rule in rules()
        for prefix, name in run
        if rule.code.startswith(prefix) and function_of_rule(rule.code, name) is None
    ]
    return f"{HEAD}{''.join(rows)}}}\n\nASKED = (\n{''.join(asked)})\n"


def _shown(text: str) -> str:
    return f'"{text}"'


def _shown_all(texts: tuple[str, ...]) -> str:
    return f"({', '.join(map(_shown, texts))}{',' * (len(texts) == 1)})"
