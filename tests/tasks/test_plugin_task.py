"""A task in one file outside of the package, on the drawn counts: everything that asks tasks asks it, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.helpers import ROOT

SPEC = {
    "specgraph": 1,
    "name": "counts",
    "inputs": {"image": [3, 16, 16]},
    "nodes": {
        "conv": {"op": "conv", "out_channels": 4, "kernel_size": 3},
        "pool": "global_avg_pool",
        "flatten": "flatten",
        "fc": {"op": "linear", "out_features": 2},
    },
    "recipes": {
        "default": {
            "task": "counting",
            "data": {"name": "shapes", "size": 16, "images": 40},
            "loss": {"poisson": {"full": True}},
            "best": "exact",
            "optimizer": {"adam": {"lr": 0.003}},
            "epochs": 2,
            "batch_size": 8,
        }
    },
}
WALK = """
import json, sys
import specgraph
from specgraph.cli.main import main

spec, place = sys.argv[1:]
steps = {}
from PIL import Image

steps["unknown"] = [one.message for one in specgraph.check(spec).diagnostics]
steps["check"] = main(["check", spec, "--plugin", "tests.tasks.counting"])
run = specgraph.train(spec, out=place + "/run", plugins=("tests.tasks.counting",), device="cpu")
steps["result"] = run.result
longer = specgraph.train(resume=place + "/run", epochs=3, device="cpu")
steps["epochs"] = longer.result["epochs"]
steps["eval"] = specgraph.evaluate(place + "/run").metrics
image = place + "/white.png"
Image.new("RGB", (16, 16), "white").save(image)
steps["run"] = specgraph.predict(place + "/run", [image])[0].plain()
steps["export"] = main(["export", place + "/run", "--onnx", place + "/net.onnx"])
steps["file"] = specgraph.predict(place + "/net.onnx", [image])[0].plain()
print("STEPS" + json.dumps(steps))
"""


def python(*arguments: str, path: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A process of its own, as a task stays registered; packages below `path` count as installed."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_a_task_of_one_file_trains_resumes_evaluates_exports_and_predicts(tmp_path: Path) -> None:
    spec = tmp_path / "counts.yaml"
    spec.write_text(yaml.safe_dump(SPEC, sort_keys=False))
    done = python("-c", WALK, str(spec), str(tmp_path))
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout.split("STEPS")[1])
    assert any("must be one of" in message and "counting" in message for message in steps["unknown"])
    assert (steps["check"], steps["export"], steps["epochs"]) == (0, 0, 3)
    assert {"test_mae", "test_exact", "validation_mae"} <= steps["result"].keys()
    assert steps["eval"].keys() == {"mae", "exact"}
    assert steps["run"]["counts"].keys() == {"count", "area"}
    assert steps["file"]["counts"].keys() == steps["run"]["counts"].keys()
    for name, count in steps["run"]["counts"].items():
        assert abs(steps["file"]["counts"][name] - count) < 1e-3 * max(count, 1)
    assert "Counts of the test set" in (tmp_path / "run" / "report.html").read_text()
    assert f"MAE {steps['result']['test_mae']:.4g}" in done.stderr + done.stdout
    file, image = str(tmp_path / "net.onnx"), str(tmp_path / "white.png")
    known = ("--plugin", "tests.tasks.counting")
    for more in (known, (*known, "--task", "counting")):
        told = python("-m", "specgraph", "predict", file, image, *more)
        assert (told.returncode, "count " in told.stdout) == (0, True), told.stderr
    told = python("-m", "specgraph", "predict", file, image)
    assert told.returncode == 2
    assert "trained for the task counting, which is unknown" in told.stderr
    assert "--plugin MODULE" in told.stderr


def test_commands_take_the_name_of_a_task_of_a_plug_in() -> None:
    data = ("-m", "specgraph", "data", "shapes", "--set", "recipe.data.images=40")
    told = python(*data, "--plugin", "tests.tasks.counting", "--task", "counting")
    assert (told.returncode, "area" in told.stdout) == (0, True), told.stderr
    for wrong, help in (("counting", "--plugin MODULE"), ("segmentatoin", "did you mean segmentation?")):
        told = python(*data, "--task", wrong)
        assert told.returncode == 2
        assert f"there is no task `{wrong}`" in told.stderr
        assert help in told.stderr


def test_a_task_of_an_installed_package_needs_no_flag(tmp_path: Path) -> None:
    """A recipe names the task, or its loss alone; `data` and files name it, too."""
    about = tmp_path / "counts-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counts\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[specgraph.ops]\ncounts = tests.tasks.counting\n")
    spec = tmp_path / "counts.yaml"
    recipes: Any = SPEC["recipes"]
    for left_out in ("loss", "task"):
        recipe = {key: value for key, value in recipes["default"].items() if key != left_out}
        spec.write_text(yaml.safe_dump({**SPEC, "recipes": {"default": recipe}}, sort_keys=False))
        told = python("-m", "specgraph", "check", str(spec), path=tmp_path)
        assert told.returncode == 0, told.stdout
    told = python("-m", "specgraph", "data", "shapes", "--task", "counting", path=tmp_path)
    assert (told.returncode, "area" in told.stdout) == (0, True), told.stderr
