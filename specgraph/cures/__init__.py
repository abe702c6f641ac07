"""Cures for wrong shapes: searched for, verified by checking the changed text, then offered.

Nothing here runs for a spec without errors.
"""

from __future__ import annotations

from specgraph.cures.offer import offer_cures
from specgraph.cures.smallest import add_smallest_input

__all__ = ["add_smallest_input", "offer_cures"]
