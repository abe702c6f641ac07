"""Of the modules that `modules.py` found refused: which features would let how many import.

python tools/imports/needs.py [-v]       reads WORK/modules.jsonl (`out` by default); DRY=1: a made-up one
"""

from __future__ import annotations

import collections
import itertools
import json
import re
import sys
from typing import Any

from rooms import DRY, WORK, torch_handlers

Row = dict[str, Any]
Key = tuple[str, str, str]
GROUP = {
    "scaled_dot_product_attention": "attention",
    "bmm": "matmul",
    "baddbmm": "matmul",
    "einsum": "matmul",
    "im2col": "unfold/fold",
    "unfold": "unfold/fold",
    "col2im": "unfold/fold",
    "roll": "roll",
    "linalg_vector_norm": "l2 norm / normalize",
    "clamp_min": "l2 norm / normalize",
    "addcmul": "affine (addcmul, last-axis factor)",
    "exp": "unary math",
    "log": "unary math",
    "sin": "unary math",
    "cos": "unary math",
    "sqrt": "unary math",
    "rsqrt": "unary math",
    "sign": "unary math",
    "log2": "unary math",
    "unbind": "split/unbind/stack views",
    "repeat": "repeat/tile",
    "repeat_interleave": "repeat/tile",
    "expand": "repeat/tile",
    "lstm": "lstm/rnn",
    "flip": "flip",
    "index": "gather/index by constants",
    "gather": "gather/index by constants",
    "cumsum": "cumsum",
    "rfft2": "fft",
    "fft_rfft2": "fft",
    "swapaxes": "views (swapaxes…)",
    "movedim": "views (swapaxes…)",
}

FOLDED = frozenset(
    (
        *("index", "_assert_tensor_metadata", "arange", "zeros", "meshgrid", "eye"),
        *("copy_", "fill_", "new_zeros", "ne", "eq", "masked_fill"),
        *("full", "ones", "stack", "reshape_as", "to", "cumsum"),
        *("bitwise_not", "sin", "cos", "tile", "_upsample_bicubic2d_aa", "wrap_with_autocast"),
        *("swapaxes", "movedim"),
    )
)
"""Calls that constant folding removes where nothing refuses them."""
MATMULS = frozenset({"bmm", "baddbmm", "einsum"})
LEARNED = "learned tensor: added/multiplied (pos. embedding, bias)"
AFFINE = "affine (addcmul, last-axis factor)"
STEPS: tuple[tuple[str, frozenset[str]], ...] = (
    ("attention", frozenset({"attention", "qkv permute", "split/unbind/stack views"})),
    ("learned tensors", frozenset({LEARNED, "learned tensor: token concatenated"})),
    ("windows folded into the batch", frozenset({"batch folded into windows/heads (view)", "permute of batch"})),
    ("affine on the last axis", frozenset({AFFINE, "norm with weight but no bias"})),
    ("l2 norm, unary maths", frozenset({"l2 norm / normalize", "unary math"})),
    (
        "pad forms, stack(0), autocast",
        frozenset({"pad forms (-inf, zero batch pads)", "stack(dim=0).sum(0)", "autocast region"}),
    ),
    ("roll, flip", frozenset({"roll", "flip"})),
    ("unfold/fold", frozenset({"unfold/fold"})),
    ("repeat, expand", frozenset({"repeat/tile"})),
    ("matmul of two computed values", frozenset({"matmul (not softmax attention)"})),
)


def of_reason(message: str, call: str, attends: bool, handled: set[str]) -> str | None:
    """The feature that one refusal asks for."""
    if call == "output" or "made-up" in message or message.startswith("TIDY"):
        return None
    if "joins the batch axis" in message:
        return "batch folded into windows/heads (view)"
    if "moves the batch axis" in message:
        return "qkv permute" if attends else "permute of batch"
    if "puts an axis in front" in message:
        return "stack(dim=0).sum(0)"
    if "reads a constant where" in message and call in ("cat", "concat"):
        return "learned tensor: token concatenated"
    constant = re.search(r"a constant of ([0-9x]+) has no counterpart", message)
    if constant:
        return AFFINE if sum(size != "1" for size in constant[1].split("x")) <= 1 else LEARNED
    if "batch size" in message and "computes with" in message:
        return "batch-size arithmetic"
    if call == "pad":
        return "pad forms (-inf, zero batch pads)"
    if "parameter `bias` is missing" in message:
        return "norm with weight but no bias"
    if call == "get_attr":
        return "autocast region"
    if call in handled and call not in {*MATMULS, "matmul", "linear", "add"}:
        return f"{call}: {message[:60]}"
    return None


def needs(row: Row, handled: set[str]) -> set[str]:
    """The features that a refused module asks for."""
    calls, reasons = set(row.get("ops", {})), row.get("full", [])
    said = " || ".join(reason[1] for reason in reasons)
    folded = re.search("two computed|joins the batch|moves the batch|splits", said)
    products = bool(calls & MATMULS)
    attends = "scaled_dot_product_attention" in calls or bool(
        "softmax" in calls and (products or "matmul" in calls) and folded
    )
    found = {of_reason(reason[1], reason[2], attends, handled) for reason in reasons}
    if attends:
        found.add("attention")
    elif products or "two computed matrices" in said:
        found.add("matmul (not softmax attention)")
    refused = {reason[2] for reason in reasons}
    for call in calls - handled - MATMULS - {"scaled_dot_product_attention", "matmul"}:
        if call in FOLDED and call not in refused:
            if call == "index" and attends:
                found.add(LEARNED)
        elif not (call == "unbind" and attends):
            found.add(GROUP.get(call, f"op {call}"))
    asked = {feature for feature in found if feature is not None}
    return asked or {(row.get("refusals") or [["", "?"]])[0][1][:60]}


def read_rows() -> list[Row]:
    """The newest row of each module."""
    path = WORK / "modules.jsonl"
    if DRY:
        refused = {"group": "made", "name": "up", "kind": "t", "verdict": "refused", "ops": {"roll": 1, "conv2d": 3}}
        return [refused, {"group": "made", "name": "equal", "kind": "c", "verdict": "equal"}]
    if not path.exists():
        sys.exit(f"{path} is not there; run tools/imports/modules.py first")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return list({(row["group"], row["name"]): row for row in rows}.values())


def print_greedy(need: dict[Key, set[str]], most: int = 22) -> None:
    """Features in the order in which each lets most further modules import, up to three at a time."""
    have: set[str] = set()
    left = dict(need)
    while left and len(have) <= most:
        best: tuple[float, int, tuple[str, ...]] | None = None
        candidates = sorted(set().union(*left.values()) - have)
        for size in (1, 2, 3):
            for combination in itertools.combinations(candidates, size):
                gained = sum(asked <= have | set(combination) for asked in left.values())
                if gained and (best is None or gained / size > best[0]):
                    best = (gained / size, gained, combination)
            if best and size == 1 and best[1] >= 3:
                break
        if best is None:
            break
        have |= set(best[2])
        left = {key: asked for key, asked in left.items() if not asked <= have}
        print(f"  +{best[1]:3} -> {len(need) - len(left)}  {' + '.join(best[2])}")
    print("rest", len(left), [(key[1], sorted(asked - have)) for key, asked in left.items()])


def print_shares(rows: list[Row], need: dict[Key, set[str]]) -> None:
    """Share of each group that imports, now and after each of STEPS."""
    for group in sorted({row["group"] for row in rows}):
        tried = [row for row in rows if row["group"] == group and row["verdict"] in ("equal", "refused", "untraceable")]
        equal = sum(row["verdict"] == "equal" for row in tried)
        have: set[str] = set()
        line = f"{group}: {equal}/{len(tried)}"
        for name, features in STEPS:
            have |= features
            more = sum(asked <= have for key, asked in need.items() if key[0] == group)
            line += f"; +{name} {(equal + more) / max(len(tried), 1):.0%}"
        print(line)


def main() -> None:
    """Print what is needed, by how many, and alone."""
    rows, handled = read_rows(), {*torch_handlers(), "getitem"}
    need = {
        (row["group"], row["name"], row["kind"]): needs(row, handled) for row in rows if row["verdict"] == "refused"
    }
    counts = collections.Counter(feature for asked in need.values() for feature in asked)
    alone = collections.Counter(next(iter(asked)) for asked in need.values() if len(asked) == 1)
    print(len(need), "refused")
    for feature, count in counts.most_common(40):
        names = [key[1] for key, asked in need.items() if feature in asked][:4]
        print(f"{count:4} need, {alone[feature]:3} only this   {feature}   such as {names}")
    print_greedy(need)
    print_shares(rows, need)
    if "-v" in sys.argv:
        for key, asked in need.items():
            print(key, sorted(asked))


if __name__ == "__main__":
    main()
