"""Output formats: one file each, with a function `render`, imported when asked for."""

from __future__ import annotations

from importlib import import_module

from specgraph.reporting.findings import Findings

FORMATS = {"full": "full", "concise": "concise", "json": "json_format", "github": "github", "sarif": "sarif"}
"""Name of each format to the module that renders it."""


def render(format: str, findings: Findings, *, colour: bool = False) -> str:
    """`findings` as text in a format; empty, or ending in a line end. Raises KeyError for an
    unknown format."""
    text = import_module(f"specgraph.reporting.formats.{FORMATS[format]}").render(findings, colour=colour)
    assert isinstance(text, str)
    return text
