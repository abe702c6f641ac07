"""Names in files are text of strangers: they stay in their line, and move no cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from specgraph.cli.main import main

NASTY = "a\x1b[2Jred\nspecgraph: error: not so"
SPEC = """\
specgraph: 1
name: net
inputs: {image: [4]}
nodes:
  fc: {op: linear, out_features: 3}
"""
STATE = {"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}


@pytest.mark.parametrize(
    "held",
    [
        {NASTY: torch.zeros(2), **STATE},
        {f"{NASTY}.{key}": value for key, value in STATE.items()},
        {NASTY: STATE, "b": STATE},
        {NASTY: STATE, "epoch": 3},
        {f"{part}.{key}": value for part in (NASTY, "b") for key, value in STATE.items()},
        {NASTY.replace(".", ""): torch.zeros(2)},
    ],
    ids=["beside", "prefix", "several", "one", "two parts", "alone"],
)
def test_names_of_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], held: object
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC)
    torch.save(held, "w.pth")
    for argv in (["weights", "w.pth"], ["weights", "w.pth", "--spec", "net.yaml"], ["weights", "w.pth#c"],
                 ["train", "net.yaml", "--data", "digits", "--weights", "w.pth"]):  # fmt: skip
        assert main(argv) in (0, 1, 2)
        shown = capsys.readouterr()
        for line in (shown.out + shown.err).splitlines():
            assert "\x1b" not in line
            assert not line.startswith("specgraph: error: not so")
