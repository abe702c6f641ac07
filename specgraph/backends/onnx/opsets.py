"""Operator sets: which are offered, and the file format version that goes with each."""

from __future__ import annotations

OLDEST_OPSET = 17
NEWEST_OPSET = 26
DEFAULT_OPSET = 21

_IR_VERSIONS = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13}


def ir_version(opset: int) -> int:
    """The IR version of the onnx release that brought an opset. Raises KeyError outside the range."""
    return _IR_VERSIONS[opset]
