"""Names of a file that are mere numbers: `n17`, `Conv_41`, `Conv__447`, `p2o.Div.3`, `conv2d_394`, `Relu`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from specgraph.ops.registry import counterparts, ops

SHARED = 8
"""A word that so many names begin with, a number each, is a counter: `mobile_one_block_0`, `mobile_one_block_1`, …"""
_BARE = re.compile(r"(?:n|node|op|value|t|tmp|var|v)?_?\d+(?:_\d+)*\Z")
_COUNTED = re.compile(r"(?P<prefix>(?:[^.]*[A-Za-z][^.]*\.)?)(?P<word>[^.]*[A-Za-z][^.]*?)(?:[_.]+(?P<number>\d+))?\Z")
_ELSEWHERE = frozenset(
    {"activation", "div", "matmul", "squeeze", "cast", "gather", "shape", "constant", "split", "expand"}
)
"""Words for ops in ONNX and Keras that a spec does not have."""


def numbered_names(paths: Iterable[str]) -> set[str]:
    """Those names that say no more than an op and a number, or are one word with a number among many of that word.

    A name with levels says where its node is, unless many have its level, and that has no number
    (`p2o.Div.3`).
    """
    listed = list(paths)
    bare = {path for path in listed if _BARE.match(path)}
    counted = {path: found for path in listed if path not in bare and (found := _COUNTED.match(path))}
    prefixes = Counter(found["prefix"] for found in counted.values() if found["prefix"] and _is_op(found["word"]))
    common = {"", *(prefix for prefix, count in prefixes.items() if count >= SHARED and not prefix[-2].isdigit())}
    words = Counter(found["word"] for found in counted.values() if found["number"] and not found["prefix"])
    numbered = bare | {
        path
        for path, found in counted.items()
        if found["prefix"] in common and (_is_op(found["word"]) or (found["number"] and words[found["word"]] >= SHARED))
    }
    return numbered | {path for path in listed if path.rpartition("_")[0] in numbered}  # a step of one: `Conv_3_scaled`


def _is_op(word: str) -> bool:
    """Whether a word is the name of an op, here or elsewhere: `Conv`, `conv2d`, `BatchNormalization`."""
    plain = re.sub(r"[123]d\Z", "", word.lower())
    return plain in ops() or plain in _ELSEWHERE or counterparts().counterpart(plain) is not None
