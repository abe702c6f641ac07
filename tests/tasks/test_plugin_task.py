"""A task in one file outside of the package, on the drawn counts: everything that asks tasks asks it, too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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


def test_a_task_of_one_file_trains_resumes_evaluates_exports_and_predicts(tmp_path: Path) -> None:
    """In a process of its own, as a task stays registered."""
    spec = tmp_path / "counts.yaml"
    spec.write_text(yaml.safe_dump(SPEC, sort_keys=False))
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(spec), str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
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
