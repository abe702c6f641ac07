"""Lays out Python statements as `ruff format` does, for the subset that emitted source uses.

A statement that is too long breaks at its last bracket: first everything inside on one indented
line, then one item a line with a trailing comma, and so on inwards.
"""

from __future__ import annotations

import ast
import re

LINE_LENGTH = 100
INDENT = "    "


def format_statement(prefix: str, expression: str, level: int, comment: str = "") -> list[str]:
    """Lines of `prefix + expression` at an indentation level.

    A `comment` follows the statement where there is room, else on a line of its own above.
    """
    node = ast.parse(expression, mode="eval").body
    lines = _lay_out(prefix, node, "", level)
    if not comment:
        return lines
    if len(lines) == 1 and len(lines[0]) + 4 + len(comment) <= LINE_LENGTH:
        return [f"{lines[0]}  # {comment}"]
    return [f"{INDENT * level}# {comment}", *lines]


def flat(node: ast.expr) -> str:
    """The expression on one line, strings in double quotes."""
    match node:
        case ast.Constant(value=str(value)):
            return quote(value)
        case ast.Constant(value=value):
            return repr(value)
        case ast.JoinedStr():
            return f'f"{ast.unparse(node)[2:-1]}"'
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            return f"{flat(inner)}.{name}"
        case ast.Starred(value=inner):
            return f"*{flat(inner)}"
        case ast.Call():
            if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.GeneratorExp):
                return f"{flat(node.func)}{flat(node.args[0])}"
            arguments = [flat(arg) for arg in node.args]
            arguments += [_keyword(keyword) for keyword in node.keywords]
            return f"{flat(node.func)}({', '.join(arguments)})"
        case ast.Subscript(value=inner, slice=index):
            bare = isinstance(index, ast.Tuple) and index.elts
            return f"{flat(inner)}[{flat(index)[1:-1] if bare else flat(index)}]"
        case ast.List(elts=items):
            return f"[{', '.join(map(flat, items))}]"
        case ast.Tuple(elts=items):
            return f"({', '.join(map(flat, items))}{',' if len(items) == 1 else ''})"
        case ast.Dict(keys=keys, values=values):
            pairs = [f"{flat(key)}: {flat(value)}" for key, value in zip(keys, values, strict=True) if key]
            return f"{{{', '.join(pairs)}}}"
        case ast.ListComp():
            return f"[{_comprehension(node)}]"
        case ast.GeneratorExp():
            return f"({_comprehension(node)})"
        case ast.IfExp(test=test, body=body, orelse=other):
            return f"{flat(body)} if {flat(test)} else {flat(other)}"
    return re.sub(r"'([^'\"\\]*)'", r'"\1"', ast.unparse(node))


def quote(text: str) -> str:
    """A string literal in double quotes."""
    if '"' in text or "\\" in text or not text.isprintable():
        return repr(text)
    return f'"{text}"'


def _keyword(keyword: ast.keyword) -> str:
    return f"{keyword.arg}={flat(keyword.value)}" if keyword.arg else f"**{flat(keyword.value)}"


def _comprehension(node: ast.ListComp | ast.GeneratorExp) -> str:
    return " ".join([flat(node.elt), *map(_for_clause, node.generators)])


def _for_clause(clause: ast.comprehension) -> str:
    return f"for {flat(clause.target)} in {flat(clause.iter)}"


def _lay_out(before: str, node: ast.expr, after: str, level: int) -> list[str]:
    """Lines of `before + node + after`, broken only where it does not fit."""
    pad = INDENT * level
    line = f"{pad}{before}{flat(node)}{after}"
    if len(line) <= LINE_LENGTH:
        return [line]
    match node:
        case ast.Call(func=func):
            if len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.GeneratorExp):
                return _clauses(f"{before}{flat(func)}(", node.args[0], f"){after}", level)
            items: list[tuple[str, ast.expr]] = [("", arg) for arg in node.args]
            items += [(f"{keyword.arg}=" if keyword.arg else "**", keyword.value) for keyword in node.keywords]
            if items:
                return _items(f"{before}{flat(func)}(", items, f"){after}", level)
        case ast.List(elts=elements) if elements:
            return _items(f"{before}[", [("", item) for item in elements], f"]{after}", level)
        case ast.Tuple(elts=elements) if elements:
            return _items(f"{before}(", [("", item) for item in elements], f"){after}", level)
        case ast.Dict(keys=keys, values=values) if values:
            pairs = [(f"{flat(key)}: ", value) for key, value in zip(keys, values, strict=True) if key]
            return _items(f"{before}{{", pairs, f"}}{after}", level)
        case ast.Starred(value=inner):
            return _lay_out(f"{before}*", inner, after, level)
        case ast.ListComp():
            return _clauses(f"{before}[", node, f"]{after}", level)
        case ast.GeneratorExp():
            return _clauses(f"{before}(", node, f"){after}", level)
        case ast.IfExp():
            return _conditional(before, node, after, level)
    return [line]


def _items(head: str, items: list[tuple[str, ast.expr]], tail: str, level: int) -> list[str]:
    pad = INDENT * level
    inner = pad + INDENT
    together = inner + ", ".join(before + flat(item) for before, item in items)
    lines = [pad + head]
    if len(together) <= LINE_LENGTH:
        lines.append(together)
    else:
        for before, item in items:
            lines += _lay_out(before, item, ",", level + 1)
    lines.append(pad + tail)
    return lines


def _clauses(head: str, node: ast.ListComp | ast.GeneratorExp, tail: str, level: int) -> list[str]:
    pad = INDENT * level
    inner = pad + INDENT
    together = inner + _comprehension(node)
    if len(together) <= LINE_LENGTH:
        return [pad + head, together, pad + tail]
    clauses = [inner + _for_clause(clause) for clause in node.generators]
    return [pad + head, *_lay_out("", node.elt, "", level + 1), *clauses, pad + tail]


def _conditional(before: str, node: ast.IfExp, after: str, level: int) -> list[str]:
    """`a if b else c` in parentheses, a part a line."""
    pad = INDENT * level
    inner = pad + INDENT
    together = inner + flat(node)
    lines = [f"{pad}{before}("]
    if len(together) <= LINE_LENGTH:
        lines.append(together)
    else:
        lines += _lay_out("", node.body, "", level + 1)
        lines += [f"{inner}if {flat(node.test)}", f"{inner}else {flat(node.orelse)}"]
    return [*lines, f"{pad}){after}"]
