"""Sizes that an ONNX file leaves free, fixed by its reader: `images=3x320x320`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.importers.onnx_file import OnnxFile, OnnxInput

Sizes = Mapping[str, Sequence[int]]
MOST = 10**6
USUAL = 320
"""What is tried for a free size to learn whether a fixed one would help: a multiple of 32, as most networks need."""


def with_sizes(file: OnnxFile, sizes: Sizes) -> OnnxFile:
    """The file with the sizes of these inputs fixed; a batch axis of the file is not stated and stays.

    Raises `CommandError` for a name that is no input, and for sizes that the file has otherwise.
    """
    known = [entry.name for entry in file.inputs]
    for name in sizes:
        if name not in known:
            close = nearest(name, known)
            listed = f"did you mean {close}?" if close else f"its inputs: {', '.join(known[:6])}"
            raise CommandError(f"the file has no input `{name}`", listed)
    fixed = [_fixed(entry, sizes[entry.name]) if entry.name in sizes else entry for entry in file.inputs]
    return file._replace(inputs=fixed)


def _fixed(entry: OnnxInput, sizes: Sequence[int]) -> OnnxInput:
    own = entry.shape[len(entry.shape) - len(sizes) :]
    fits = len(entry.shape) - len(sizes) in (0, 1)
    if not fits or any(isinstance(size, int) and size != given for size, given in zip(own, sizes, strict=True)):
        stated = "x".join(str(size if size is not None else "?") for size in entry.shape)
        given = "x".join(map(str, sizes))
        raise CommandError(
            f"input `{entry.name}` is {stated} in the file, which {given} does not fit",
            "give a size for each axis but the batch; those that the file fixes stay",
        )
    return entry._replace(shape=(*entry.shape[: len(entry.shape) - len(sizes)], *sizes))


def parse_sizes(given: Sequence[str]) -> dict[str, list[int]]:
    """`NAME=3x320x320` of the command line. Raises `CommandError`."""
    found: dict[str, list[int]] = {}
    for text in given:
        name, sign, sizes = text.rpartition("=")
        numbers = sizes.lower().split("x")
        if not sign or not name or not all(number.isdecimal() and 0 < int(number) < MOST for number in numbers):
            raise CommandError(
                f"--input {text} is no name with sizes", "write --input NAME=3x320x320, without the batch"
            )
        found[name] = [int(number) for number in numbers]
    return found


def tried_sizes(file: OnnxFile) -> dict[str, list[int]]:
    """Sizes to try for the inputs that leave some free besides the batch; empty if there are none."""
    return {
        entry.name: [size if isinstance(size, int) else USUAL for size in entry.shape[1:]]
        for entry in file.inputs
        if any(not isinstance(size, int) for size in entry.shape[1:])
    }


def as_option(sizes: Sizes) -> str:
    """The options that fix these sizes: `--input images=3x320x320`."""
    return " ".join(f"--input {name}={'x'.join(map(str, each))}" for name, each in sizes.items())
