"""Valid specs in odd clothes that mean nothing: anchors, aliases, block scalars, comments, white space, quotes."""

from __future__ import annotations

import random
import re

from tests.fuzz.base import Base

VALUE = re.compile(r"(?<=: )(?:true|false|\d+|[a-z_]+|\{[^{}#\n]*\}|\[[^\[\]#\n]*\])(?=[,}\n])")
"""Values that an anchor can stand before: words, numbers, flow collections on a line."""
KEYWORDS = ("specgraph:", "name:", "description:", "share:")
DESCRIPTION = (
    "description: |\n  one line # no comment\n  key: value, {op: convv}, *nothing, &nothing\n\n  'a quote\n",
    "description: >-\n  folded, # no comment\n  [1, 2\n",
    "description: |+2\n    indented: kernal_size\n  - not a list\n\n",
)


def dressed(base: Base, rng: random.Random) -> Base | None:
    """The spec in other clothes; None where these do not fit it."""
    text = base.text
    for change, share in ((with_anchors, 0.7), (with_block_scalars, 0.4), (with_quotes, 0.3), (with_white_space, 0.6)):
        if rng.random() < share:
            text = change(text, rng)
    try:
        return Base(base.path, text)
    except AssertionError:
        return None


def with_anchors(text: str, rng: random.Random) -> str:
    """Some values get an anchor, and later ones that are written the same become its alias."""
    places = [m for m in VALUE.finditer(text) if not _is_special(text, m)]
    chosen = rng.sample(places, min(len(places), rng.randint(1, 6)))
    taken: dict[str, str] = {}
    parts, last = [], 0
    for match in places:
        written = match[0]
        if written in taken and rng.random() < 0.5:
            new = f"*{taken[written]}{' ' * (text[match.end()] != chr(10))}"
        elif match in chosen and written not in taken:
            taken[written] = f"{rng.choice(['a', 'base', 'x-', 'n_'])}{len(taken)}"
            new = f"&{taken[written]} {written}"
        else:
            continue
        parts += [text[last : match.start()], new]
        last = match.end()
    return "".join([*parts, text[last:]])


def _is_special(text: str, match: re.Match[str]) -> bool:
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    return "#" in line or "'" in line or '"' in line or line.strip().startswith(KEYWORDS) or "from: " in line[-7:]


def with_block_scalars(text: str, rng: random.Random) -> str:
    """A description of several lines that looks like anything but text."""
    if re.search(r"^description:", text, re.MULTILINE):
        text = re.sub(r"^description:.*\n(?:[ ]+.*\n|\n(?= ))*", "", text, count=1, flags=re.MULTILINE)
    head, _, rest = text.partition("\n")
    return f"{head}\n{rng.choice(DESCRIPTION)}{rest}"


def with_quotes(text: str, rng: random.Random) -> str:
    """Some ops in quotes."""
    return re.sub(r"(?<=op: )([a-z_]+)(?=[,}])", lambda m: rng.choice((m[1], f"'{m[1]}'", f'"{m[1]}"')), text)


def with_white_space(text: str, rng: random.Random) -> str:
    """Comments, blank lines and spaces where they mean nothing."""
    lines: list[str] = []
    inside = False
    for line in text.split("\n"):
        inside = (inside and (line.startswith(" ") or not line)) or line.startswith("description:")
        if rng.random() < 0.12 and not inside:
            lines.append(rng.choice(("", "# note: {op: convv}", "      # $(x[0]) 'quoted", "# &anchor *alias")))
        if line.strip() and "#" not in line and rng.random() < 0.3 and not inside:
            line += rng.choice(("  ", "    # why: not [x]", " # {", "\t# tab"))
        lines.append(line)
    return "\n".join(lines)
