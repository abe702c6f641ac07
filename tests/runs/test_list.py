"""`specgraph runs`: settings that differ, conditions, metrics, order and accuracy against cost."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specgraph.cli.main import main
from specgraph.runs.entries import Entry, find_runs
from specgraph.runs.fields import Fields
from tests.runs.folders import write_run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`specgraph runs` in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["runs", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture
def four(command: Command) -> Command:
    """Four runs that differ in rate, optimizer, width and network."""
    write_run(Path("runs/r-01"), accuracy=0.6, recipe={"optimizer": {"sgd": {"lr": 0.01}}}, parameters=100)
    write_run(
        Path("runs/r-02"),
        accuracy=0.9,
        recipe={"optimizer": {"sgd": {"lr": 0.1}}, "grad_clip": 5.0},
        parameters=400,
        options={"name": "wide", "tags": ["baseline", "team=vision"], "note": "twice as wide", "freeze": ["stem"]},
    )
    write_run(
        Path("runs/r-03"),
        accuracy=0.8,
        recipe={"optimizer": {"adam": {"lr": 0.001, "eps": 1e-8}}},
        parameters=400,
        result={},
    )
    write_run(Path("runs/r-04"), accuracy=0.7, variables={"classes": 5}, parameters=200, multiply_adds=7)
    return command


def listed(command: Command, *words: str) -> list[str]:
    """The names of the runs that are listed, in order."""
    code, out, err = command(*words, "--format", "json")
    assert code == 0, err
    return [entry["run"].rpartition("-")[2] for entry in json.loads(out)]


def test_the_settings_that_differ_are_columns(four: Command) -> None:
    code, out, _ = four()
    assert code == 0
    heading, *lines = out.splitlines()
    assert heading.split() == [
        "run", "name", "recipe", "data", "lr", "optimizer", "classes", "grad_clip", "freeze",
        "epochs", "best", "validation", "test", "time", "images/s", "tags",
    ]  # fmt: skip
    assert lines[1].split() == [
        "runs/r-02", "wide", "default", "digits", "0.1", "sgd", "10", "5", "stem",
        "1", "1", "90.00%", "90.00%", "2", "s", "100", "baseline,", "team=vision",
    ]  # fmt: skip
    assert lines[2].split()[:5] == ["runs/r-03", "default", "digits", "0.001", "adam"]
    assert "1…" in lines[2]
    assert "eps" not in heading, "only one kind of optimizer has it"


def test_equal_runs_have_no_setting_that_differs(command: Command) -> None:
    for name in ("r-01", "r-02"):
        write_run(Path("runs") / name)
    assert command()[1].splitlines()[0].split() == [
        "run", "recipe", "data", "epochs", "best", "validation", "test", "time", "images/s",
    ]  # fmt: skip


def test_another_network_under_the_same_name_is_shown(command: Command) -> None:
    write_run(Path("runs/r-01"))
    write_run(Path("runs/r-02"), nodes={"flatten": "flatten"})
    heading, first, second = command()[1].splitlines()
    column = heading.split().index("spec")
    assert first.split()[column] != second.split()[column]


def test_many_settings_that_differ_do_not_fill_the_table(command: Command) -> None:
    names = [f"v{number}" for number in range(9)]
    write_run(Path("runs/r-01"), variables=dict.fromkeys(names, 1))
    write_run(Path("runs/r-02"), variables=dict.fromkeys(names, 2))
    _, out, err = command()
    assert [name for name in names if name in out.split()] == names[:6]
    assert err == "3 more settings differ: --columns FIELD,… or --format csv shows them\n"
    assert "v8" in command("--columns", "run,v8")[1]


@pytest.mark.parametrize(
    ("conditions", "runs"),
    [
        (["lr>0.01"], ["02", "04"]),
        (["lr >= 0.01", "lr<0.1"], ["01"]),
        (["optimizer=adam"], ["03"]),
        (["recipe.optimizer.adam.lr=0.001"], ["03"]),
        (["optimizer!=adam"], ["01", "02", "04"]),
        (["test>65%"], ["02", "04"]),
        (["validation>=0.8"], ["02", "03"]),
        (["val_accuracy>=0.8"], ["02", "03"]),
        (["finished=false"], ["03"]),
        (["test=nothing"], ["03"]),
        (["test!=nothing"], ["01", "02", "04"]),
        (["tags=baseline"], ["02"]),
        (["tags!=baseline"], ["01", "03", "04"]),
        (["tags=team=vision"], ["02"]),
        (["tags~VISION"], ["02"]),
        (["name=wide"], ["02"]),
        (["note~twice"], ["02"]),
        (["freeze=stem"], ["02"]),
        (["classes=5"], ["04"]),
        (["vars.classes<=5"], ["04"]),
        (["grad_clip=5"], ["02"]),
        (["started>2026-01-01T00:00:02"], ["03", "04"]),
        (["parameters<400"], ["01", "04"]),
        (["device=cpu"], ["01", "02", "03", "04"]),
        (["data='digits'"], ["01", "02", "03", "04"]),
        (["run~r-0", "data=cifar10"], []),
    ],
    ids=str,
)
def test_conditions(four: Command, conditions: list[str], runs: list[str]) -> None:
    assert listed(four, *(word for condition in conditions for word in ("--where", condition))) == runs


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--where", "lrr>1"], ["--where lrr>1: these runs have no field `lrr`", "did you mean lr?"]),
        (["--where", "optimiser=adam"], ["no field `optimiser`", "did you mean optimizer?"]),
        (["--where", "qqqqqq=1"], ["no field `qqqqqq`", "--format json shows all fields"]),
        (["--where", "lr"], ["--where lr: there is no comparison", "--where 'lr>0.01'"]),
        (["--where", "lr>high"], ["numbers for `lr`, such as 0.01, and 'high' is no number", "lr>0.01"]),
        (["--where", "optimizer<3"], ["text for `optimizer`, such as sgd, and '3' is a number", "compare with ="]),
        (["--sort", "paramters"], ["--sort: these runs have no field `paramters`", "did you mean parameters?"]),
        (["--metric", "f1"], ["--metric f1: these runs have no such metric", "they have accuracy, loss, f1_macro"]),
        (["--metric", "f1_marco"], ["no such metric", "did you mean f1_macro?"]),
        (["--columns", "run,lrs"], ["--columns: these runs have no field `lrs`", "did you mean lr?"]),
        (["--cost", "optimizer"], ["`optimizer` is no number, but sgd", "choose parameters or multiply_adds"]),
        (["--cost", "params"], ["--cost: these runs have no field `params`", "--format json"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_misuse(four: Command, words: list[str], lines: list[str]) -> None:
    code, out, err = four(*words)
    assert (code, out) == (2, "")
    said = err.splitlines()
    assert len(said) == 2
    for line, expected in zip(said, lines, strict=True):
        assert expected in line


def test_an_end_that_means_several_settings(command: Command) -> None:
    write_run(Path("runs/r-01"), recipe={"data": {"resize": {"crop": {"share": 0.5}}, "more": {"crop": {"share": 1}}}})
    code, _, err = command("--where", "share=1")
    assert code == 2
    assert "`share` means several settings" in err
    assert "write recipe.data.resize.crop.share or recipe.data.more.crop.share" in err
    assert listed(command, "--where", "more.crop.share=1") == ["01"]


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ([], ["01", "02", "03", "04"]),
        (["--reverse"], ["04", "03", "02", "01"]),
        (["--sort", "test"], ["02", "04", "01", "03"]),
        (["--sort", "validation"], ["02", "03", "04", "01"]),
        (["--sort", "lr"], ["03", "01", "02", "04"]),
        (["--sort", "lr", "--reverse"], ["02", "04", "01", "03"]),
        (["--sort", "grad_clip"], ["02", "01", "03", "04"]),
        (["--sort", "grad_clip", "--reverse"], ["02", "01", "03", "04"]),
        (["--cost", "parameters"], ["01", "04", "02", "03"]),
        (["--cost", "parameters", "--sort", "test"], ["02", "04", "01", "03"]),
    ],
    ids=" ".join,
)
def test_order(four: Command, words: list[str], runs: list[str]) -> None:
    assert listed(four, *words) == runs


def test_accuracy_against_cost(four: Command) -> None:
    code, out, _ = four("--cost", "parameters", "--columns", "run,parameters,validation,front")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["run", "parameters", "validation", "front"],
        ["runs/r-01", "100", "60.00%", "*"],
        ["runs/r-04", "200", "70.00%", "*"],
        ["runs/r-02", "400", "90.00%", "*"],
        ["runs/r-03", "400", "80.00%"],
    ]
    marks = {entry["run"]: entry["front"] for entry in json.loads(four("--cost", "parameters", "--format", "json")[1])}
    assert marks == {"runs/r-01": True, "runs/r-02": True, "runs/r-03": False, "runs/r-04": True}
    (row,) = csv.DictReader(io.StringIO(four("--cost", "lr", "--format", "csv", "--where", "lr<0.01")[1]))
    assert row["front"] == "True"


def test_runs_of_other_data_are_not_on_one_front(command: Command) -> None:
    write_run(Path("runs/r-01"), accuracy=0.99, parameters=1)
    write_run(Path("runs/r-02"), accuracy=0.5, parameters=100, data="cifar10")
    entries = json.loads(command("--cost", "parameters", "--format", "json")[1])
    assert [entry["front"] for entry in entries] == [True, True]


def test_less_is_better_for_some_metrics(command: Command) -> None:
    for number, error in enumerate((0.5, 0.4), 1):
        run = write_run(
            Path(f"runs/r-0{number}"), parameters=number, task="regression", best={"metric": "mae", "mode": "min"}
        )
        table = (run / "metrics.csv").read_text().replace("accuracy", "mae").replace(",0.5,", f",{error},")
        (run / "metrics.csv").write_text(table)
    assert [entry["front"] for entry in json.loads(command("--cost", "parameters", "--format", "json")[1])] == [
        True
    ] * 2
    run = Path("runs/r-02/environment.json")
    run.write_text(run.read_text().replace('"parameters": 2', '"parameters": 1'))
    marks = [entry["front"] for entry in json.loads(command("--cost", "parameters", "--format", "json")[1])]
    assert marks == [False, True]


def test_costs_of_runs_that_did_not_record_them(command: Command) -> None:
    write_run(Path("runs/r-01"))
    write_run(Path("runs/r-02"), nodes={"fc": {"op": "linear", "out_features": -1}})
    lines = command("--columns", "run,parameters,multiply_adds")[1].splitlines()
    assert [line.split() for line in lines[1:]] == [["runs/r-01", "650", "640"], ["runs/r-02"]]


def test_other_metrics(four: Command) -> None:
    heading, first, *_ = four("--metric", "f1_macro", "--metric", "train_loss", "--metric", "loss")[1].splitlines()
    names = heading.split()
    assert names[names.index("test") + 1 : names.index("time")] == [
        "test_f1_macro", "train_loss", "validation_loss", "test_loss",
    ]  # fmt: skip
    assert " 25.00%      1.0000           0.9000     1.0000 " in first


def test_columns_of_json_and_csv(four: Command) -> None:
    words = ("--where", "name=wide", "--columns", "run,lr,tags,test_f1_macro")
    assert json.loads(four(*words, "--format", "json")[1]) == [
        {"run": "runs/r-02", "lr": 0.1, "tags": ["baseline", "team=vision"], "test_f1_macro": 0.25}
    ]
    assert four(*words, "--format", "csv")[1].splitlines() == [
        "run,lr,tags,test_f1_macro", "runs/r-02,0.1,baseline; team=vision,0.25",
    ]  # fmt: skip


def test_everything_is_in_json_and_csv(four: Command) -> None:
    entry = next(e for e in json.loads(four("--format", "json")[1]) if e["name"] == "wide")
    assert (entry["network"], entry["note"], entry["finished"]) == ("net", "twice as wide", True)
    assert entry["settings"]["optimizer.sgd.lr"] == 0.1
    assert entry["settings"]["options.freeze"] == ["stem"]
    assert entry["metrics"]["test_f1_macro"] == 0.25
    assert entry["metrics"]["validation_loss"] == 0.9
    rows = list(csv.DictReader(io.StringIO(four("--format", "csv")[1])))
    assert [row["recipe.optimizer.lr"] for row in rows] == ["0.01", "0.1", "0.001", "0.1"]
    assert [row["vars.classes"] for row in rows] == ["10", "10", "10", "5"]


def test_damaged_runs_are_listed(four: Command) -> None:
    (Path("runs/r-02") / "result.json").write_text("{")
    shutil.copytree("runs/r-03", "runs/r-05")
    Path("runs/r-05/environment.json").unlink()
    Path("runs/no-run").mkdir()
    shutil.copy("runs/r-01/spec.yaml", "runs/no-run/spec.yaml")
    _, out, err = four("--sort", "test", "--reverse")
    assert err == ""
    first, second = out.splitlines()[-2:]
    assert first.startswith("runs/r-02  damaged: runs/r-02/result.json cannot be read")
    assert second == "runs/r-05  damaged: runs/r-05/environment.json is missing or empty"
    entries = json.loads(four("--format", "json")[1])
    assert [entry["run"] for entry in entries if "damaged" in entry] == ["runs/r-02", "runs/r-05"]
    assert "no-run" not in out
    _, out, err = four("--where", "lr>0")
    assert (out.count("r-0"), err) == (3, "2 damaged runs are left out by --where\n")


def test_copies_inside_a_run_are_not_runs(command: Command) -> None:
    run = write_run(Path("runs/r-01"))
    shutil.copytree(run, "copy")
    shutil.copytree("copy", run / "wandb/offline-run/files")
    assert listed(command) == ["01"]


def test_a_spec_beside_runs_hides_none(command: Command) -> None:
    for name in ("sweep/trial-000", "sweep/trial-001"):
        write_run(Path("runs") / name)
    shutil.copy("runs/sweep/trial-000/spec.yaml", "runs/sweep/spec.yaml")
    assert listed(command) == ["000", "001"]


def test_nothing_to_list(command: Command) -> None:
    Path("runs").mkdir()
    for words in ([], ["--where", "lr>0"], ["--cost", "parameters"], ["--metric", "f1"], ["--sort", "lr"]):
        assert command(*words)[0] == 0
    assert json.loads(command("--format", "json")[1]) == []
    assert command("--format", "csv")[1] == "run\n"


def test_a_heading_is_a_word_that_means_the_field(four: Command) -> None:
    entries: list[Entry] = find_runs([Path("runs")])
    fields = Fields(entries)
    words: dict[str, Any] = {name: fields.heading(name) for name in fields.names}
    assert words["recipe.optimizer.lr"] == "lr"
    assert words["recipe.epochs"] == "recipe.epochs", "`epochs` are those that were trained"
    assert len(set(words.values())) == len(words)
    assert all(fields.resolve(word, "") == name for name, word in words.items())
