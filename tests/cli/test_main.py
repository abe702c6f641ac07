"""The program: commands, usage errors, exit codes, signals; never a traceback."""

from __future__ import annotations

import importlib
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import specgraph
from specgraph.cli import main as program_module
from specgraph.cli.interruption import Stopped, stopping_cleanly
from specgraph.errors import CommandError, MissingPackageError, SpecError, VerificationError
from tests.cli.running import GOOD, MISSPELT, Program, run_process


def test_version(program: Program) -> None:
    assert program("--version") == (0, f"specgraph {specgraph.__version__}\n", "")
    assert run_process("--version").out == f"specgraph {specgraph.__version__}\n"


def test_overview(program: Program) -> None:
    shown = program("--help")
    assert shown.code == 0
    for name, path in program_module.available().items():
        help = import_module(f"specgraph.cli.{path}").HELP
        assert re.search(rf"^  {name} +{re.escape(help)}$", shown.out, re.MULTILINE), name
    nothing = program()
    assert (nothing.code, nothing.out) == (2, "")
    assert "usage:" in nothing.err


def test_every_module_is_a_command_and_the_other_way_round() -> None:
    folder = Path(program_module.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\nHELP = " in path.read_text() and path.stem != "main"}
    assert modules == set(program_module.available().values())


def test_every_command_shows_help(program: Program) -> None:
    for name in program_module.available():
        shown = program(name, "--help")
        assert shown.code == 0, name
        assert f"usage: specgraph {name}" in shown.out
        assert program("help", name).out == shown.out


@pytest.mark.parametrize(
    ("arguments", "message", "help"),
    [
        (("chekc",), "there is no command `chekc`", "did you mean check?"),
        (("frobnicate",), "there is no command `frobnicate`", "commands: check"),
        (("lenet.yaml",), "there is no command `lenet.yaml`", "to check it: specgraph check lenet.yaml"),
        (("--format", "json", "check", "x"), "the command is missing before --format", "specgraph check SPEC"),
        (("check",), "check needs SPEC|DIR", "for example: specgraph check"),
        (("train", "x", "--lr", "fast"), "train --lr must be a number, not 'fast'", "--help"),
        (("train", "x", "--epochs", "0"), "train --epochs must be at least 1, not 0", "--help"),
        (("bench", "x", "--batch-sizes", "1,b"), "bench --batch-sizes must be positive numbers such as 1,8", "--help"),
        (("export", "x", "--onnx", "--opset", "new"), "export --opset must be a whole number, not 'new'", "--help"),
        (("export", "x", "--onnx", "-"), "an ONNX file cannot go to standard output", "--onnx net.onnx"),
        (("new", ""), "a network needs a name", "specgraph new net"),
        (("check", "x", "--fromat", "json"), "check has no option --fromat", "did you mean --format?"),
        (("check", "x", "--format", "jsn"), "check --format cannot be jsn", "did you mean json?"),
        (("check", "x", "--format"), "check: --format: expected one argument", "--help"),
        (("check", "x", "--set", "novalue"), "there is no `=`", "--set name=value"),
        (("check", "nosuch.yaml"), "nosuch.yaml: no such file", ""),
        (("check", "x.yaml", "--input-size", "big"), "--input-size big is no size", "224x224"),
        (("check", "x.yaml", "--plugin", "no_such_module"), "plug-in `no_such_module`", ""),
        (("explain", "SG999"), "there is no rule SG999", ""),
        (("explain", "duplicate-kye"), "there is no rule duplicate-kye", "did you mean duplicate-key?"),
    ],
)
def test_misuse_is_one_or_two_lines_and_exit_code_2(
    program: Program, here: Path, arguments: tuple[str, ...], message: str, help: str
) -> None:
    (here / "x.yaml").write_text(GOOD)
    shown = program(*arguments)
    assert shown.code == 2
    assert shown.out == ""
    assert message in shown.err.splitlines()[0]
    assert help in shown.err
    assert 1 <= len(shown.err.splitlines()) <= 2


def test_flags_may_stand_anywhere(program: Program, here: Path) -> None:
    (here / "a.yaml").write_text(GOOD)
    for arguments in (
        ("--format", "concise", "a.yaml", "--strict"),
        ("a.yaml", "--format", "concise", "--strict"),
        ("a.yaml", "--strict", "a.yaml", "--format=concise"),
    ):
        assert program("check", *arguments).code == 0


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def dispatch(argv: list[str]) -> int:
        raise error

    monkeypatch.setattr(program_module, "_dispatch", dispatch)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (CommandError("what", "do this"), 2, "specgraph: error: what\n  do this\n"),
        (MissingPackageError("onnx", "onnx", "export"), 2, "pip install 'specgraph[onnx]'"),
        (VerificationError("outputs differ"), 1, "specgraph: verification failed: outputs differ\n"),
        (SpecError([]), 1, ""),
        (KeyboardInterrupt(), 130, "specgraph: interrupted\n"),
        (MemoryError(), 2, "out of memory"),
        (OSError(28, "No space left on device", "/data/x"), 2, "specgraph: error: /data/x: no space left on device\n"),
        (RuntimeError("a\nb"), 2, "specgraph: internal error: RuntimeError: a b (specgraph"),
        (RecursionError(), 2, "internal error: RecursionError"),
        (SystemExit(3), 3, ""),
    ],
)
def test_errors_become_lines_and_exit_codes(
    program: Program, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, text: str
) -> None:
    failing(monkeypatch, error)
    shown = program("check", "x")
    assert shown.code == code
    assert text in shown.err
    assert len(shown.err.splitlines()) <= 2


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("deep inside"))
    assert program_module.main(["check", "x", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_spec_error_shows_its_diagnostics_once(program: Program, here: Path) -> None:
    (here / "a.yaml").write_text(MISSPELT)
    shown = program("summary", "a.yaml")
    assert shown.code == 1
    assert shown.err.count("SG206") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals(number: signal.Signals, code: int) -> None:
    """A check that waits for standard input is interrupted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "specgraph", "check", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    time.sleep(1.0)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_nobody_listening_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MISSPELT)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "specgraph", "check", "a.yaml"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 141


def test_output_that_the_terminal_cannot_encode(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("flatten: flatten", "flätten: flatten"), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    shown = run_process("check", "a.yaml", cwd=tmp_path, env=environment)
    assert shown.code == 1
    assert "internal error" not in shown.err


def test_python_m_specgraph_is_the_same_program(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    assert run_process("check", "a.yaml", cwd=tmp_path) == (0, "", "1 spec checked, no problems\n")


@pytest.mark.skipif(os.name == "nt", reason="POSIX shell")
@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), ("nosuch.yaml 2>&-", 2)])
def test_closed_streams_change_nothing(tmp_path: Path, redirection: str, code: int) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    command = f"'{sys.executable}' -m specgraph check a.yaml {redirection}"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr if "2>&-" in redirection else "") == (code, "")


def test_a_terminal_that_knows_only_ascii_gets_plain_rules_and_signs(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        GOOD.replace("flatten: flatten", "flatten: {op: relu, repeat: 3}\n  flat: flatten")
    )
    shown = run_process("summary", "a.yaml", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert shown.code == 0
    assert "\n-----" in shown.out
    assert "relu x3" in shown.out
    assert "\\" not in shown.out


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_signal_during_an_import_waits_for_its_end(tmp_path: Path) -> None:
    """The module turns every exception into another one, as NumPy's and PyTorch's own imports do."""
    (tmp_path / "half_made.py").write_text(
        "import os, signal, time\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(0.1)\n"
        "except BaseException:\n"
        "    raise ImportError('cannot load module more than once per process')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "specgraph", "check", "-", "--plugin", "half_made"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.wait(timeout=60) == 143
    assert process.communicate()[1] == "specgraph: terminated\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_signal_that_waits_is_tried_again_until_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that comes just before a blocking read is not seen by Python: the next one ends the read."""
    (tmp_path / "one_signal.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    monkeypatch.syspath_prepend(tmp_path)
    intervals = []

    def wait() -> None:
        with stopping_cleanly():
            importlib.import_module("one_signal")
            intervals.append(signal.getitimer(signal.ITIMER_REAL)[1])
            time.sleep(60)

    with pytest.raises(Stopped):
        wait()
    assert [interval > 0 for interval in intervals] == [True]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
