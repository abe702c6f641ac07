"""The example of `docs/serving.md` is started and called: its answers are those of `predict`, also in batches."""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from specgraph.cli.main import main

ROOT = Path(__file__).parents[2]


class Served(NamedTuple):
    address: str
    model: Path
    images: list[Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    model = folder / "model.onnx"
    words = ["--preprocess", "--mean", "0.5", "--std", "0.25", "--softmax"]
    assert main(["export", str(ROOT / "specs" / "lenet.json"), "--onnx", str(model), *words]) == 0
    rng = np.random.default_rng(3)
    images = []
    for index in range(24):
        size = (28, 28) if index % 3 else (40, 31)
        images.append(folder / f"{index:02}.png")
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(images[-1])
    command = [sys.executable, str(ROOT / "docs" / "examples" / "serve.py"), str(model), "--port", "0", "--delay", "50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(process.stdout.readline().strip(), model, images)
        finally:
            process.kill()


def ask(address: str, body: bytes | None = None) -> str:
    with urlopen(address, body, timeout=60) as answer:
        return str(answer.read().decode())


def counts(address: str) -> dict[str, float]:
    lines = ask(f"{address}/metrics").splitlines()
    return {name: float(number) for name, number in (line.split() for line in lines if not line.startswith("#"))}


def test_its_answers_are_those_of_predict(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(f"{served.address}/health") == "ok\n"
    before = counts(served.address)
    with ThreadPoolExecutor(24) as pool:
        bodies = [image.read_bytes() for image in served.images]
        answers = list(pool.map(lambda body: json.loads(ask(f"{served.address}/predict", body)), bodies))
    after = counts(served.address)
    capsys.readouterr()
    images = [str(image) for image in served.images]
    assert main(["predict", str(served.model), *images, "--format", "json", "--top-k", "10"]) == 0
    found = {Path(row["image"]).name: row for row in json.loads(capsys.readouterr().out)["predictions"]}
    assert len(found) == len(answers) == 24
    for image, answer in zip(served.images, answers, strict=True):
        scores = [0.0] * 10
        for one in found[image.name]["classes"]:
            scores[int(one["index"])] = one["probability"]
        assert answer["output"] == pytest.approx(scores, abs=1e-6)
    assert after["serve_images_total"] - before["serve_images_total"] == 24
    assert after["serve_batches_total"] - before["serve_batches_total"] < 24
    assert after["serve_model_seconds_total"] > 0


@pytest.mark.parametrize(
    ("place", "body", "code"), [("predict", b"no image", 400), ("predict", b"", 411), ("x", b"y", 404)]
)
def test_what_it_cannot_answer_is_said(served: Served, place: str, body: bytes, code: int) -> None:
    with pytest.raises(HTTPError) as error:
        ask(f"{served.address}/{place}", body)
    assert error.value.code == code
    assert ask(f"{served.address}/health") == "ok\n"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    with pytest.raises(HTTPError) as error:
        urlopen(Request(f"{served.address}/predict", b"x", {"Content-Length": "20000001"}), timeout=60)
    assert error.value.code == 413
    assert ask(f"{served.address}/health") == "ok\n"


def test_too_many_waiting_images_are_told(served: Served) -> None:
    spec = importlib.util.spec_from_file_location("serve", ROOT / "docs" / "examples" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    serve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    serve.Handler.model = model = serve.Model(str(served.model), 4, 0.0)
    model.waiting = queue.Queue(1)  # which nobody empties
    model.waiting.put(None)
    with serve.Server(("127.0.0.1", 0), serve.Handler) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever)
        try:
            with pytest.raises(HTTPError) as error:
                ask(f"http://127.0.0.1:{server.server_port}/predict", served.images[0].read_bytes())
        finally:
            server.shutdown()
    assert error.value.code == 503
    assert model.counts["errors"] == 1
