"""Colours of diagrams. Families keep their hue in both themes; fills are pale enough to print on."""

from __future__ import annotations

from typing import NamedTuple


class Theme(NamedTuple):
    """Colours by role; `families` gives (fill, edge) by op family."""

    background: str
    text: str
    faint: str
    line: str
    cluster_fills: tuple[str, ...]
    cluster_line: str
    families: dict[str, tuple[str, str]]
    added: str
    removed: str
    changed: str


LIGHT = Theme(
    background="#ffffff",
    text="#1c2530",
    faint="#5f6b7a",
    line="#566273",
    cluster_fills=("#f6f7f9", "#eceff3", "#e2e6ec"),
    cluster_line="#b9c1cc",
    families={
        "convolution": ("#cfe2f7", "#3d74ad"),
        "pooling": ("#cdeadf", "#2f8263"),
        "normalisation": ("#e6dcf4", "#7552a8"),
        "activation": ("#fde3c3", "#b3701b"),
        "dense": ("#f9d3d3", "#b04747"),
        "joining": ("#fbf0b6", "#94801a"),
        "shape": ("#e3e6ea", "#6b7683"),
        "regularisation": ("#f6d9ea", "#a34a80"),
        "tensors": ("#d3eff4", "#2a7d8f"),
        "layout": ("#e3e6ea", "#6b7683"),
        "patches": ("#e3e6ea", "#6b7683"),
        "algebra": ("#f1e1d2", "#8c6239"),
        "transformer": ("#dbdcfa", "#4d55b3"),
        "recurrent": ("#dbdcfa", "#4d55b3"),
        "windows": ("#e4daf7", "#6a4aa3"),
        "block": ("#dce3ee", "#4b5f7d"),
        "input": ("#ffffff", "#566273"),
        "fault": ("#ffe3e3", "#c92a2a"),
    },
    added="#2b8a3e",
    removed="#c92a2a",
    changed="#c77700",
)

DARK = Theme(
    background="#14181f",
    text="#e8ecf1",
    faint="#a0abba",
    line="#8d99a9",
    cluster_fills=("#1b212a", "#222a35", "#2a3340"),
    cluster_line="#46525f",
    families={
        "convolution": ("#1f4168", "#6ea8e0"),
        "pooling": ("#1d4d3d", "#62c09d"),
        "normalisation": ("#413061", "#b196de"),
        "activation": ("#5c3d14", "#e0a458"),
        "dense": ("#5e2629", "#e58585"),
        "joining": ("#544a11", "#d8c34f"),
        "shape": ("#343c47", "#97a3b2"),
        "regularisation": ("#562a45", "#dd8dbd"),
        "tensors": ("#17424d", "#6cc4d6"),
        "layout": ("#343c47", "#97a3b2"),
        "patches": ("#343c47", "#97a3b2"),
        "algebra": ("#4d3520", "#d6a877"),
        "transformer": ("#2b2f66", "#9ca3f2"),
        "recurrent": ("#2b2f66", "#9ca3f2"),
        "windows": ("#3d2b5e", "#b79df0"),
        "block": ("#2b384c", "#93a8c8"),
        "input": ("#14181f", "#8d99a9"),
        "fault": ("#5c1a1a", "#ff8787"),
    },
    added="#69db7c",
    removed="#ff8787",
    changed="#ffc078",
)

THEMES = {"light": LIGHT, "dark": DARK}
