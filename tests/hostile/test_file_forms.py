"""Line ends, byte-order marks, file names, kinds of files: `check` reads them, `--fix` leaves them as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from specgraph.checking import check
from specgraph.cli.main import main
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic
from specgraph.graph.model import Node
from specgraph.source.fixes import Fixed, apply_fixes, unified_diff
from specgraph.source.harm import find_harm
from specgraph.source.read import read_text
from specgraph.source.tree import Source
from tests.cli.running import Program
from tests.helpers import check_text
from tests.hostile.test_fixing import fault

HEAD = "specgraph: 1\ninputs: {image: [3, 32, 32]}\nnodes:\n"
TEXTS = {
    "a word": "  stem: {op: Conv2d, out_channels: 8, kernel_size: 3}  # why\n  act: {op: ReLU}\n",
    "a node before another": "  stem: {op: conv, out_channels: 8, kernel_size: 3}\n"
    "  fc: {op: linear, out_features: 4}\n",
    "a last entry": "  stem: {op: conv, out_channels: 8, kernel_size: 3}\n  one: relu\n  two: relu\n",
    "a node moves to the end": "  stem: {op: conv, out_channels: 8, kernel_size: 3}\n  drop: {op: dropout, p: 0.8}\n"
    "  pool: {op: max_pool, kernel_size: 3}\n",
}


def fixed(path: Path, content: bytes) -> bytes:
    path.write_bytes(content)
    main(["check", str(path), "--unsafe-fixes"])
    return path.read_bytes()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "BOM"])
@pytest.mark.parametrize("last", [True, False], ids=["", "no last line end"])
def test_a_fix_keeps_line_ends_and_marks(text: str, end: str, mark: str, last: bool, tmp_path: Path) -> None:
    def dressed(plain: str) -> bytes:
        return (mark + (plain if last else plain.rstrip("\n")).replace("\n", end)).encode()

    wanted = fixed(tmp_path / "plain.yaml", (HEAD + text).encode()).decode()
    assert wanted != HEAD + text
    assert check_text(wanted).ok
    assert fixed(tmp_path / "net.yaml", dressed(HEAD + text)) == dressed(wanted)


def test_lines_of_different_ends_keep_their_own(tmp_path: Path) -> None:
    nodes = (
        b"  stem: {op: conv, out_channels: 8, kernel_size: 3}\r\n  fc: {op: linear, out_features: 4}\n  act: ReLU\r\n"
    )
    after = fixed(tmp_path / "net.yaml", HEAD.encode() + nodes).decode()
    lines = after.split("\n")
    assert [line for line in lines if line.endswith("\r")] == [nodes.decode().split("\n")[0], "  act: relu\r"]
    assert after.startswith(HEAD)


def test_a_difference_has_lines_where_files_have_them() -> None:
    before, after = "a: 1 # \u2028 \x85\rb\r\nc: 2\n", "a: 1 # \u2028 \x85\rb\r\nc: 3\n"
    assert unified_diff("n\net.yaml", before, after) == (
        "--- a/n\\net.yaml\n+++ b/n\\net.yaml\n@@ -1,2 +1,2 @@\n a: 1 # \u2028 \x85\rb\r\n-c: 2\n+c: 3\n"
    )


def test_marks_behind_what_could_not_be_read_hold_no_fix_back(tmp_path: Path) -> None:
    """An anchor comes to light once the expression before it is quoted; a comment before it stays."""
    nodes = "  a: {op: conv, out_channels: $([4, 8][0]), kernel_size: 3}  # why\n  b: &act relu\n  c: tanh\n  d: *act\n"
    after = fixed(tmp_path / "net.yaml", (HEAD + nodes).encode()).decode()
    assert after == HEAD + nodes.replace("$([4, 8][0])", '"$([4, 8][0])"')
    source = Source("net.yaml", "# top\na: [1, $(b[0])]\nc: &x 1\n")
    lost = fault(source, ("# top\na: [1, $(b[0])]", 'a: [1, "$(b[0])"]'))
    assert find_harm(source, apply(source, lost)) == "the comment # top would be lost"


def apply(source: Source, *faults: Diagnostic) -> Fixed:
    return apply_fixes(source, faults)


def test_old_line_breaks_hide_no_harm() -> None:
    """U+2028 ends a line in YAML 1.1 alone: what follows it in a comment is comment."""
    source = Source("net.yaml", "# a \u2028 b\na: &x 1\nb: *x\n")
    assert find_harm(source, apply(source, fault(source, ("&x 1", "2")), fault(source, ("*x", "1")))) is not None


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_doubles_in_a_list_all_go(count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An entry that is taken out gives its number, and so its name, to the next one."""
    text = HEAD.replace("nodes:\n", f"nodes: [{', '.join(['hardswish', *['relu'] * count])}]\n")
    assert len([d for d in check_text(text).diagnostics if d.code == "SG907"]) == count - 1
    after = fixed(tmp_path / "net.yaml", text.encode()).decode()
    assert "nodes: [hardswish, relu]\n" in after
    assert f"fixed {count - 1} problem{'s' * (count > 2)} in 1 file\n" in capsys.readouterr().err


def test_a_mark_between_joined_files(tmp_path: Path) -> None:
    text = HEAD + "  stem: {op: conv, out_channels: 8, kernel_size: 3}\n"
    joined = text.replace("nodes", "\ufeffnodes")
    (found,) = check_text(joined).diagnostics
    assert (found.code, found.span.line, found.span.column) == ("SG102", 3, 1)
    assert fixed(tmp_path / "net.yaml", joined.encode()) == text.encode()


def test_a_pipe_among_specs_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.yaml").write_text(HEAD + "  act: relu\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    done = Program(capsys)("check", tmp_path)
    assert done.code == 0
    assert "1 spec checked" in done.err


@pytest.mark.parametrize("may", [False, True])
def test_a_write_protected_file_is_fixed_by_whom_the_system_lets(
    may: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write it, and the file keeps its protection."""
    path = tmp_path / "net.yaml"
    path.write_text(HEAD + "  act: ReLU\n")
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_, **__: may)
    done = Program(capsys)("check", path, "--fix")
    assert done.code == (0 if may else 2)
    assert ("net.yaml cannot be written: it is write-protected" in done.err) is not may
    assert path.read_text() == HEAD + ("  act: relu\n" if may else "  act: ReLU\n")
    assert path.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("name", ["n" * 250 + ".yaml", "\u5377" * 83 + ".json"])
def test_the_longest_names_can_be_written(name: str, tmp_path: Path) -> None:
    spec = {"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": {"act": "ReLU"}}
    path = tmp_path / name
    path.write_text(json.dumps(spec))
    main(["check", str(path), "--fix"])
    assert json.loads(path.read_text())["nodes"] == {"act": "relu"}
    assert list(tmp_path.iterdir()) == [path]


COMMANDS = (
    ("check", "--format", "sarif"), ("check", "--format", "json"), ("view", "--html", "out.html"),
    ("export", "--onnx", "out.onnx"), ("export", "--python", "out.py"), ("render", "-o", "out.svg"), ("summary",),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_names_of_files_that_are_no_text(
    command: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff-net.yaml")
    Path(name).write_text(HEAD + "  act: relu\n  act2: relu\n")
    done = Program(capsys)(command[0], name, *command[1:])
    assert done.code == 0, done.err
    if "html" in command[-1]:
        page = Path("out.html").read_text()
        assert "\\udcff-net.yaml" in page


def test_places_do_not_depend_on_the_form() -> None:
    text = HEAD + "  stem: {op: conv,\tout_channels: 8, kernel: 3}\t# \u5377 \U0001f600\n  act: ReLU\t\n"

    def places(dressed: str) -> list[tuple[object, ...]]:
        return [(d.code, *d.span[1:], d.message) for d in check_text(dressed).diagnostics]

    wanted = places(text)
    assert wanted[0][:3] == ("SG209", 4, 37)
    for end in ("\r\n", "\r"):
        assert places(text.replace("\n", end)) == wanted
    assert places("\ufeff" + text) == wanted
    assert read_text("\ufeff" + text, "net.yaml", Collector()).source.has_bom


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("inputs: {image: [3, '32', 32]}", "inputs: {image: [3, 32, 32]}"),
        ("inputs: {image: [3, 1_024, 32]}", "inputs: {image: [3, 1024, 32]}"),
        ("specgraph: true", "specgraph: 1"),
        ("conv, out_channels: 1,024", "conv, out_channels: 1024"),
        ("conv, out_channels: 2,560", "conv, out_channels: 2560"),
        ("conv, out_channels: '1,024'", "conv, out_channels: 1024"),
        ("batch_norm, eps: '0,001'", "batch_norm, eps: 0.001"),
    ],
)
def test_numbers_as_people_write_them(written: str, meant: str, tmp_path: Path) -> None:
    head = HEAD.replace("specgraph: 1", written) if written.startswith("specgraph") else HEAD
    head = head.replace("inputs: {image: [3, 32, 32]}", written) if written.startswith("inputs") else head
    node = (
        f"  stem: {{op: {written}{', kernel_size: 3' * ('conv' in written)}}}\n"
        if written[0] in "cb"
        else "  a: tanh\n"
    )
    (found,) = check_text(head + node).diagnostics
    assert found.severity == "error"
    path = tmp_path / "net.yaml"
    path.write_text(head + node)
    main(["check", str(path), "--fix"])
    if found.fix is None:
        assert found.help == f"write {meant}"
    else:
        assert path.read_text() == (head + node).replace(written, meant)


def test_whole_floats_are_sizes() -> None:
    """As `$(64 / 2)` gives them."""
    for size in ("32.0", "$(64 / 2)", "3.2e1"):
        report = check_text(HEAD.replace("[3, 32, 32]", f"[3, {size}, 32]") + "  act: relu\n")
        assert report.ok
        assert report.graph is not None
        assert str(report.graph.inputs["image"]) == "32x32x3"


def test_drawing_a_long_chain_looks_at_each_node_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    from specgraph.backends.graphviz import picture, render_dot

    asked = 0
    whole = picture.is_weighted

    def counted(node: Node) -> bool:
        nonlocal asked
        asked += 1
        return whole(node)

    monkeypatch.setattr(picture, "is_weighted", counted)
    for first in ("sigmoid", "batch_norm"):
        report = check({"specgraph": 1, "inputs": {"image": [3, 8, 8]}, "nodes": [first, *["sigmoid"] * 400]})
        assert report.graph is not None
        render_dot(report.graph)
    assert asked < 8000
