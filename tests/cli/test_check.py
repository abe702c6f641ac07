"""`specgraph check`: specs and folders, formats, choices, fixes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from specgraph.cli.fix import fix_specs
from specgraph.diagnostics.collector import Collector
from specgraph.diagnostics.model import Diagnostic, Edit, Fix, Span
from specgraph.reporting.formats import FORMATS
from specgraph.source.read import read_file
from specgraph.source.tree import Source
from tests.cli.running import GOOD, MISSPELT, Program, run_process
from tests.helpers import SPECS

WARNED = GOOD + "# specgraph: ignore[SG901]\n"


def test_a_clean_spec_says_one_line_on_standard_error(program: Program, here: Path) -> None:
    (here / "a.yaml").write_text(GOOD)
    for format in ("full", "concise"):
        assert program("check", "a.yaml", "--format", format) == (0, "", "1 spec checked, no problems\n")


def test_errors_go_to_standard_output_and_counts_to_standard_error(program: Program, here: Path) -> None:
    (here / "a.yaml").write_text(MISSPELT)
    shown = program("check", "a.yaml")
    assert shown.code == 1
    assert shown.out.startswith("a.yaml:5:12: error[SG206]: node `fc` uses op `linaer`")
    assert shown.out.count("\n") == 4
    assert shown.err == "1 spec checked, 1 error; --fix cures 1\n"


@pytest.mark.parametrize("format", FORMATS)
def test_formats(program: Program, here: Path, format: str) -> None:
    (here / "a.yaml").write_text(MISSPELT)
    shown = program("check", "a.yaml", "--format", format)
    assert shown.code == 1
    assert "SG206" in shown.out
    if format in ("json", "sarif"):
        assert json.loads(shown.out)
        assert shown.err == ""


def test_several_specs_and_folders(program: Program, here: Path) -> None:
    folder = here / "specs"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "b.yaml").write_text(GOOD)
    (folder / "deep" / "c.json").write_text(json.dumps({"specgraph": 1, "blocks": {}}, indent=1))
    (folder / "deep" / "d.yml").write_text(MISSPELT)
    (folder / "other.yaml").write_text("just: data\n")
    (folder / "data.json").write_text("[1, 2]")
    (folder / "environment.json").write_text('{\n  "specgraph": "0.1.0",\n  "python": "3.11.7"\n}\n')  # of a run
    (folder / ".hidden" / "e.yaml").write_text(MISSPELT)
    found = json.loads(program("check", "specs", "specs/b.yaml", "--format", "json").out)
    names = ["specs/b.yaml", "specs/deep/c.json", "specs/deep/d.yml"]
    assert found["files"] == names
    assert program("check", "specs").err.startswith("3 specs checked, ")


def test_a_folder_without_specs(program: Program, here: Path) -> None:
    (here / "empty").mkdir()
    shown = program("check", "empty")
    assert shown.code == 2
    assert "there is no spec below empty" in shown.err


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\0\0\0"])
def test_an_empty_or_binary_file_is_an_error_of_the_spec(program: Program, here: Path, data: bytes) -> None:
    (here / "a.yaml").write_bytes(data)
    shown = program("check", "a.yaml")
    assert shown.code == 1
    assert shown.out.count("error[SG10") == 1


def test_standard_input() -> None:
    assert run_process("check", "-", input=GOOD) == (0, "", "1 spec checked, no problems\n")
    shown = run_process("check", "-", "--format", "concise", input=MISSPELT)
    assert shown.code == 1
    assert shown.out.startswith("<stdin>:5:12: error[SG206]")


def test_specs_of_the_project_are_clean(program: Program) -> None:
    shown = program("check", SPECS, "--strict")
    assert (shown.code, shown.out) == (0, "")


def test_remarks_are_printed_when_asked_for(program: Program, here: Path) -> None:
    recipe = "recipes:\n  default:\n    data: {name: fashion_mnist}\n"
    (here / "a.yaml").write_text(GOOD.replace("[3, 8, 8]", "[1, 8, 8]") + recipe)
    quiet = program("check", "a.yaml")
    assert (quiet.code, quiet.out) == (0, "")
    assert quiet.err == "1 spec checked, no problems; --infos shows 1 remark\n"
    assert "info[SG504]" in program("check", "a.yaml", "--infos").out
    assert "SG504" in program("check", "a.yaml", "--format", "json").out


class TestChoosing:
    def test_strict(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(WARNED)
        assert program("check", "a.yaml").code == 0
        shown = program("check", "a.yaml", "--strict")
        assert shown.code == 1
        assert "warning[SG900]" in shown.out

    @pytest.mark.parametrize("codes", ["SG900", "SG9", "unused-suppression", "SG301,SG900", "sg900"])
    def test_ignore(self, program: Program, here: Path, codes: str) -> None:
        (here / "a.yaml").write_text(WARNED)
        assert program("check", "a.yaml", "--strict", "--ignore", codes) == (0, "", "1 spec checked, no problems\n")
        assert "SG900" in program("check", "a.yaml", "--select", codes).out

    def test_select_others(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(WARNED)
        assert program("check", "a.yaml", "--select", "SG5").out == ""

    def test_errors_cannot_be_ignored(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(MISSPELT)
        for arguments in (("--ignore", "SG206"), ("--select", "SG9"), ("--ignore", "SG")):
            assert program("check", "a.yaml", *arguments).code == 1

    def test_a_code_that_does_not_exist(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(GOOD)
        assert program("check", "a.yaml", "--ignore", "SG0").code == 2
        assert "did you mean unused-suppression?" in program("check", "a.yaml", "--ignore", "unused-supression").err

    def test_the_project_of_each_spec_counts(self, program: Program, here: Path) -> None:
        """Not that of the folder one stands in."""
        warned = "specgraph: 1\ninputs: {image: [3, 8, 8]}\nnodes:\n  c: {op: conv, out_channels: 4, kernel_size: 1}\n"
        for name, config in (("one", 'ignore = ["SG907"]'), ("two", 'ignore = ["SG905"]')):
            (here / name).mkdir()
            (here / name / "pyproject.toml").write_text(f"[tool.specgraph]\n{config}\n")
            (here / name / "net.yaml").write_text(warned + "  a: relu\n  b: relu\n")
        shown = program("check", "--format", "concise", "one", "two")
        assert shown.out.replace("\\", "/").startswith("two/net.yaml:6:3: warning[SG907]")
        assert shown.out.count("\n") == 1

    def test_project_defaults(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(WARNED)
        (here / "pyproject.toml").write_text('[tool.specgraph]\nstrict = true\nformat = "concise"\n')
        shown = program("check", "a.yaml")
        assert shown.code == 1
        assert shown.out.count("\n") == 1
        (here / "pyproject.toml").write_text('[tool.specgraph]\nstrict = true\nignore = ["SG900"]\n')
        assert program("check", "a.yaml").code == 0
        (here / "below").mkdir()
        assert program("check", "below/../a.yaml").code == 0

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[tool.specgraph]\nstrct = true\n", "no key `strct`"),
            ("[tool.specgraph]\nstrict = 1\n", "must be true or false"),
            ("[tool.specgraph]\nignore = 'SG900'\n", "must be a list of codes"),
            ("[tool.specgraph\n", "cannot be read"),
            ("[tool.specgraph]\nformat = 'xml'\n", "format cannot be xml"),
        ],
    )
    def test_project_defaults_that_are_wrong(self, program: Program, here: Path, text: str, message: str) -> None:
        (here / "a.yaml").write_text(GOOD)
        (here / "pyproject.toml").write_text(text)
        shown = program("check", "a.yaml")
        assert shown.code == 2
        assert message in shown.err

    def test_other_tools_settings_are_left_alone(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(GOOD)
        (here / "pyproject.toml").write_text("this is not toml")
        assert program("check", "a.yaml").code == 0


class TestSettings:
    TEXT = GOOD.replace("nodes:", "vars: {classes: 10, on: true}\nnodes:").replace("features: 10", "features: $classes")

    @pytest.mark.parametrize("setting", ["classes=100", "classes= 100", "on=false"])
    def test_set(self, program: Program, here: Path, setting: str) -> None:
        (here / "a.yaml").write_text(self.TEXT)
        assert program("check", "a.yaml", "--set", setting).code == 0

    def test_a_value_of_the_wrong_kind_is_reported(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(self.TEXT)
        shown = program("check", "a.yaml", "--set", "classes=many")
        assert shown.code == 1
        assert "many" in shown.out

    @pytest.mark.parametrize(
        ("setting", "message"),
        [("clases=1", "no variable `clases`"), ("classes=[1", "never closed"), ("=3", "there is no `=`")],
    )
    def test_wrong_settings(self, program: Program, here: Path, setting: str, message: str) -> None:
        (here / "a.yaml").write_text(self.TEXT)
        shown = program("check", "a.yaml", "--set", setting)
        assert shown.code == 2
        assert message in shown.err

    def test_values_read_as_in_a_spec(self) -> None:
        from specgraph.cli.spec_arguments import parse_settings

        given = ["a=1e-4", "b=[1, {c: x}]", "d=", "e= no", "f='1'", "g=x=y", "recipe.lr=0.1"]
        assert parse_settings(given) == {
            "a": 1e-4,
            "b": [1, {"c": "x"}],
            "d": "",
            "e": "no",
            "f": "1",
            "g": "x=y",
            "recipe.lr": 0.1,
        }

    def test_input_size(self, program: Program, here: Path) -> None:
        (here / "a.yaml").write_text(GOOD.replace("8, 8", "H, W"))
        assert program("check", "a.yaml").code == 1
        assert program("check", "a.yaml", "--input-size", "8x16").code == 0


class TestFixing:
    ODD = (
        "\ufeff# a comment\r\nspecgraph:   1\r\n\r\ninputs: {image: [3, 8, 8]}   # odd\t layout\r\n"
        "nodes:\r\n    conv1:   {op: Conv2d,   out_chanels: 4, kernel_size: 3}  # λ\r\n"
        "    act: {op: rellu}\r\n"
    )
    FIXED = ODD.replace("Conv2d", "conv").replace("out_chanels", "out_channels").replace("rellu", "relu")

    def test_only_the_spans_change_and_twice_changes_nothing_more(self, program: Program, here: Path) -> None:
        path = here / "a.yaml"
        path.write_bytes(self.ODD.encode())
        shown = program("check", "a.yaml", "--fix")
        assert path.read_bytes().decode() == self.FIXED
        assert shown.code == 0
        assert "fixed 3 problems in 1 file" in shown.err
        again = program("check", "a.yaml", "--fix")
        assert "fixed 0 problems" in again.err
        assert path.read_bytes().decode() == self.FIXED
        assert [entry.name for entry in here.iterdir()] == ["a.yaml"]

    def test_diff_changes_nothing(self, program: Program, here: Path) -> None:
        path = here / "a.yaml"
        path.write_bytes(self.ODD.encode())
        shown = program("check", "a.yaml", "--diff")
        assert path.read_bytes() == self.ODD.encode()
        assert shown.code == 1
        assert "+    act: {op: relu}" in shown.out
        assert "would fix 3 problems" in shown.err

    def test_diff_of_standard_input(self) -> None:
        shown = run_process("check", "-", "--diff", input=MISSPELT)
        assert shown.code == 1
        assert "+  fc: {op: linear, out_features: 10}" in shown.out
        assert run_process("check", "-", "--diff", input=GOOD).code == 0
        shown = run_process("check", "-", "--fix", input=MISSPELT)
        assert shown.code == 2
        assert "standard input" in shown.err

    def test_unsafe_fixes_only_when_asked(self, program: Program, here: Path) -> None:
        text = GOOD.replace("flatten: flatten", "flatten: {op: flatten, expect: 191}")
        path = here / "a.yaml"
        path.write_text(text)
        assert program("check", "a.yaml", "--fix").code == 1
        assert path.read_text() == text

    def test_fixes_that_undo_each_other_are_none(
        self, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = here / "a.yaml"
        path.write_text("a: 1\n")

        def back_and_forth(_: str) -> tuple[list[Diagnostic], dict[str, Source]]:
            source = read_file("a.yaml", Collector()).source
            edit = Edit(Span("a.yaml", 1, 4, 1, 5), "2" if "1" in source.text else "1")
            fault = Diagnostic("SG305", "x", "error", "x", edit.span, fix=Fix("unsafe", (edit,)))
            return [fault], {"a.yaml": source}

        given = argparse.Namespace(diff=False, unsafe_fixes=True, fix_expect=False)
        fix_specs(["a.yaml"], given, back_and_forth, lambda _: True)
        left_out = "a.yaml:1:4: the fix of SG305 is left out: its problem would still be there\n"
        assert capsys.readouterr().err == f"{left_out}fixed 0 problems\n"
        assert path.read_text() == "a: 1\n"

    def test_permissions_stay(self, program: Program, here: Path) -> None:
        path = here / "a.yaml"
        path.write_text(MISSPELT)
        path.chmod(0o640)
        program("check", "a.yaml", "--fix")
        assert path.stat().st_mode & 0o777 == 0o640
        assert path.read_text() == GOOD

    def test_a_link_stays_a_link(self, program: Program, here: Path) -> None:
        (here / "real.yaml").write_text(MISSPELT)
        (here / "a.yaml").symlink_to("real.yaml")
        program("check", "a.yaml", "--fix")
        assert (here / "a.yaml").is_symlink()
        assert (here / "real.yaml").read_text() == GOOD
