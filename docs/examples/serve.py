#!/usr/bin/env python
"""Serve a network that `specgraph export --onnx FILE --preprocess` has written, with onnxruntime alone.

    python serve.py model.onnx --port 8000 --batch 32 --delay 2

POST /predict takes the bytes of an image file and answers with the outputs as JSON; GET /health and GET /metrics are
for whoever watches it. Requests that arrive within the delay, of images of one size, run as one batch.
"""

from __future__ import annotations

import argparse
import io
import json
import queue
import threading
import time
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

MOST_BYTES = 20_000_000
MOST_WAITING = 256
SECONDS_TO_WAIT = 30


class Model:
    """The network and the thread that runs it on batches. `run` may be called from many threads."""

    def __init__(self, path: str, batch: int, delay: float, device: str = "cpu") -> None:
        provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
        self.session = onnxruntime.InferenceSession(path, providers=[provider])
        if provider not in self.session.get_providers():
            raise SystemExit(f"onnxruntime cannot use {provider} here")
        (self.input,) = self.session.get_inputs()
        self.outputs = [output.name for output in self.session.get_outputs()]
        if self.input.type != "tensor(uint8)":
            raise SystemExit(f"{path} takes {self.input.type}: export it with --preprocess, so that it takes images")
        self.mode = "L" if self.input.shape[-1] == 1 else "RGB"
        self.batch, self.delay = batch, delay
        self.waiting: queue.Queue[tuple[np.ndarray, Future[dict[str, Any]]]] = queue.Queue(MOST_WAITING)
        self.counts = dict.fromkeys(("requests", "errors", "images", "batches"), 0)
        self.seconds = 0.0
        self.lock = threading.Lock()
        threading.Thread(target=self._loop, daemon=True).start()

    def run(self, body: bytes) -> dict[str, Any]:
        """The outputs for an image file. Raises ValueError for what is not an image, `queue.Full` under overload."""
        try:
            with Image.open(io.BytesIO(body)) as image:
                pixels = np.asarray(image.convert(self.mode))
        except Exception as error:  # Pillow raises many kinds
            raise ValueError(f"this is not an image that can be read: {error}") from error
        answer: Future[dict[str, Any]] = Future()
        self.waiting.put_nowait((pixels.reshape(*pixels.shape[:2], -1), answer))
        return answer.result(SECONDS_TO_WAIT)

    def count(self, **more: int) -> None:
        with self.lock:
            for name, number in more.items():
                self.counts[name] += number

    def _loop(self) -> None:
        while True:
            taken, until = [self.waiting.get()], time.monotonic() + self.delay
            while len(taken) < self.batch:
                try:
                    taken.append(self.waiting.get(timeout=max(until - time.monotonic(), 0)))
                except queue.Empty:
                    break
            for shape in dict.fromkeys(pixels.shape for pixels, _ in taken):
                self._run([entry for entry in taken if entry[0].shape == shape])

    def _run(self, entries: list[tuple[np.ndarray, Future[dict[str, Any]]]]) -> None:
        started = time.monotonic()
        try:
            results = self.session.run(None, {self.input.name: np.stack([pixels for pixels, _ in entries])})
        except Exception as error:
            for _, answer in entries:
                answer.set_exception(error)
            return
        for index, (_, answer) in enumerate(entries):
            answer.set_result({name: value[index].tolist() for name, value in zip(self.outputs, results, strict=True)})
        self.count(images=len(entries), batches=1)
        with self.lock:
            self.seconds += time.monotonic() - started

    def metrics(self) -> str:
        """The counts as Prometheus reads them."""
        with self.lock:
            rows: dict[str, float] = {f"serve_{name}_total": number for name, number in self.counts.items()}
            rows["serve_model_seconds_total"] = round(self.seconds, 6)
        return "".join(f"# TYPE {name} counter\n{name} {number}\n" for name, number in rows.items())


class Handler(BaseHTTPRequestHandler):
    """One connection. The model is that of the server."""

    protocol_version = "HTTP/1.1"
    model: Model

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, "ok\n", "text/plain")
        elif self.path == "/metrics":
            self.answer(200, self.model.metrics(), "text/plain; version=0.0.4")
        else:
            self.answer(404, "there is /predict, /health and /metrics\n", "text/plain")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/predict" or not 0 < length <= MOST_BYTES:
            self.close_connection = True
            code = 404 if self.path != "/predict" else 413 if length else 411
            self.answer(code, json.dumps({"error": f"POST /predict takes 1 to {MOST_BYTES} bytes"}))
            return
        self.model.count(requests=1)
        try:
            self.answer(200, json.dumps(self.model.run(self.rfile.read(length))))
            return
        except ValueError as error:
            code, told = 400, str(error)
        except queue.Full:
            code, told = 503, "too many requests are waiting"
        except Exception as error:
            code, told = 500, f"the network did not run: {type(error).__name__}"
        self.model.count(errors=1)
        self.answer(code, json.dumps({"error": told}))

    def answer(self, code: int, text: str, kind: str = "application/json") -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing for each request."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, of which many may knock at once."""

    request_queue_size = 128
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve an ONNX file that takes images.")
    parser.add_argument("model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--batch", type=int, default=32, help="most images that run together")
    parser.add_argument("--delay", type=float, default=2, help="milliseconds to wait for more of them")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    Handler.model = Model(arguments.model, arguments.batch, arguments.delay / 1000, arguments.device)
    server = Server((arguments.host, arguments.port), Handler)
    print(f"http://{arguments.host}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
