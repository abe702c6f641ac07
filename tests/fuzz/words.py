"""Words misspelt, and words of other frameworks."""

from __future__ import annotations

import random
import re

from specgraph.ops.registry import foreign_names


def misspelt(word: str, rng: random.Random) -> str:
    """A word with one letter doubled."""
    at = rng.randrange(1, len(word))
    return word[:at] + word[at - 1] + word[at:]


def with_mistakes(text: str, rng: random.Random, count: int) -> str:
    """A spec in which some ops and arguments are misspelt or bear the names of other frameworks."""
    foreign: dict[str, list[str]] = {}
    for theirs, ours in foreign_names().items():
        if theirs.isidentifier():
            foreign.setdefault(ours, []).append(theirs)
    ops = list(re.finditer(r"(?<=\{op: )(conv|max_pool|avg_pool|linear|concat)(?=[ ,}])", text))
    arguments = list(re.finditer(r"(?<=[{,] )(kernel_size|out_channels|padding|stride|out_features)(?=: )", text))
    found = [
        match for match in ops + arguments if "#" not in text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    ]
    found = [m for m in found if "block:" not in text[text.rfind("\n", 0, m.start()) + 1 : text.find("\n", m.end())]]
    for match in sorted(rng.sample(found, min(count, len(found))), key=lambda match: -match.start()):
        word = match[0]
        wrong = rng.choice(foreign[word]) if word in foreign and rng.random() < 0.4 else misspelt(word, rng)
        text = text[: match.start()] + wrong + text[match.end() :]
    return text
