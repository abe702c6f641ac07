"""`--fix` on files with odd layout: only the edited spans change, once, and what was fixed is gone."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from specgraph.checking import check
from specgraph.cli.main import main
from tests.fuzz.base import Base
from tests.fuzz.judge import bases
from tests.fuzz.words import with_mistakes
from tests.helpers import SPECS

BASES = bases()
ODD = """\
# a header comment, with: colons, {braces} and "quotes"
specgraph:   1      # the version
name: "odd: # not a comment"

inputs: { image : [ 3 ,32,
    32 ] }   # over two lines
vars:
    sizes:   [8, 16]          # indented by four
    'classes':   10

nodes:
  conv1:   {op:  convv ,  out_channels: "$(sizes[0])",kernal_size:   3}    # two faults
  # between nodes: {op: convv}
  relu1:      ReLU
  conv2:
      op:   "conv"
      out_channels:   $(sizes[1])    # fine in block style
      kernel_size: [3,
                    3]               # a list over two lines
      strid: 2       # a misspelt argument

  relu2: relu
  join: { op: add , from: [relu2, convv2 ] }
  λ: relu                     # specgraph: ignore[SG901]   nothing to ignore, and no name
  pool: {op: global_avg_pool, from: joinn}
  flatten: flatten
  fc: {op: linear, out_features: $(max(classes, 2))}     # must be quoted
# the end, without a line end"""
EXPECTED = (
    ODD.replace("op:  convv ,  out", "op:  conv ,  out")
    .replace("kernal_size:   3", "kernel_size:   3")
    .replace("ReLU\n", "relu\n")
    .replace("strid: 2", "stride: 2")
    .replace("convv2 ]", "conv2 ]")
    .replace("joinn}", "join}")
    .replace("$(max(classes, 2))}", '"$(max(classes, 2))"}')
)


def fix(path: Path) -> None:
    """Run the program's own `check --fix`."""
    main(["check", "--fix", "--format", "concise", str(path)])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_odd_file_is_fixed_in_place(newline: str, mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(mark + ODD.replace("\n", newline).encode())
    fix(path)
    assert path.read_bytes() == mark + EXPECTED.replace("\n", newline).encode()
    fix(path)
    assert path.read_bytes() == mark + EXPECTED.replace("\n", newline).encode()
    left = [d.rule for d in check(path).diagnostics if d.severity == "error"]
    assert left == ["invalid-name"]  # λ, for which there is no certain cure


def test_fixing_nothing_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clean.yaml"
    before = ODD.replace("λ", "l").encode()
    text = EXPECTED.replace("λ: relu                     # specgraph: ignore[SG901]   nothing", "l: relu  # nothing")
    path.write_text(text, newline="")
    fix(path)
    assert path.read_text() == text
    assert before != text.encode()


def test_json_is_fixed_in_place(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    text = (
        '{ "specgraph":1,\r\n\t"inputs" : {"image":[3,8 , 8]},\r\n'
        '  "nodes": {"a" : {"op":"Conv2d", "out_channels":4,"kernal_size" : 1},\r\n\r\n   "b":"rellu"}}'
    )
    path.write_bytes(text.encode())
    fix(path)
    wanted = text.replace("Conv2d", "conv").replace("kernal_size", "kernel_size").replace("rellu", "relu")
    assert path.read_bytes() == wanted.encode()
    assert check(path).ok


# generated -----------------------------------------------------------------------------------------


def with_odd_layout(text: str, rng: random.Random) -> str:
    """The same spec with comments, blank lines and white space added where they mean nothing."""
    lines = []
    for line in text.split("\n"):
        if rng.random() < 0.15:
            lines.append(rng.choice(("", "   ", "# note: {op: convv}", "      # $(x[0]) 'quoted")))
        if line.strip() and "#" not in line and rng.random() < 0.4:
            line += rng.choice(("  ", "    # why: not [x]", " # {", "\t# tab"))
        if "{" in line and "#" not in line and rng.random() < 0.4:
            line = re.sub(r"(?<=[a-z0-9]), (?=[a-z])", lambda _: rng.choice((",  ", " , ")), line)
        lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(12))
def test_generated_mistakes_are_taken_back_exactly(seed: int, tmp_path: Path) -> None:
    """The file is byte for byte what it was before the mistakes."""
    rng = random.Random(seed)
    base: Base = rng.choice(BASES)
    newline, mark = rng.choice(("\n", "\r\n")), rng.choice((b"", b"\xef\xbb\xbf"))
    shutil.copytree(SPECS, tmp_path / "specs")
    (tmp_path / "specgraph.toml").write_text("")
    path = tmp_path / "specs" / base.path.relative_to(SPECS)
    odd = with_odd_layout(base.text, rng)
    wanted = mark + odd.replace("\n", newline).encode()
    path.write_bytes(wanted)
    assert check(path).ok
    wrong = with_mistakes(odd, rng, 6)
    assert wrong != odd
    path.write_bytes(mark + wrong.replace("\n", newline).encode())
    assert not check(path).ok
    fix(path)
    assert path.read_bytes() == wanted
    fix(path)
    assert path.read_bytes() == wanted
