"""How fast is checking? Cold whole-process `check` of a network beside its peers, and growth with size.

    python tools/bench/check.py [--runs 9] [--spec specs/resnet18.yaml] [--growth]

Peers: mlnode (load and validate the same network, written in its format here), Keras (its JSON of
the same layers, loaded on the torch backend), onnx (full check of the exported file). Those that are
not installed are left out and named.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from measure import alternate, process_seconds, table

import specgraph
from specgraph.graph.model import Graph, Node

ROOT = Path(__file__).parents[2]


def mlnode_type(node: Node) -> tuple[str, dict[str, Any]]:
    """A node in mlnode's words."""
    arguments = node.arguments
    pads = [before for before, _ in arguments.get("padding", ()) or ()]
    if node.op == "conv":
        return "Conv2d", {
            "in_channels": node.input_types[0].dims[0],
            "out_channels": arguments["out_channels"],
            "kernel_size": arguments["kernel_size"][0],
            "stride": arguments["stride"][0],
            "padding": pads[0],
            "bias": arguments["bias"],
        }
    if node.op == "batch_norm":
        return "BatchNorm2d", {"num_features": node.output.dims[0]}
    if node.op == "max_pool":
        kernel, stride = arguments["kernel_size"][0], arguments["stride"][0]
        return "MaxPool2d", {"kernel_size": kernel, "stride": stride, "padding": pads[0]}
    if node.op == "linear":
        return "Linear", {"in_features": node.input_types[0].dims[0], "out_features": arguments["out_features"]}
    simple = {"relu": "ReLU", "add": "Add", "flatten": "Flatten"}
    if node.op in simple:
        return simple[node.op], {}
    if node.op == "global_avg_pool":
        return "AdaptiveAvgPool2d", {"output_size": 1}
    raise SystemExit(f"mlnode: no word for op {node.op}")


def mlnode_document(graph: Graph) -> dict[str, Any]:
    """The network in mlnode's format."""
    names = {path: path.replace(".", "_") for path in graph.nodes} | {"image": "input"}
    nodes: list[dict[str, Any]] = [{"id": "input", "type": "Input", "params": {}}]
    edges = []
    for node in graph.nodes.values():
        kind, params = mlnode_type(node)
        nodes.append({"id": names[node.path], "type": kind, "params": params})
        edges += [{"source": names[source], "target": names[node.path]} for source in node.inputs]
    return {
        "mlnode_schema_version": "1.0",
        "input_shape": ["B", *graph.inputs["image"].dims],
        "output_node": names[graph.outputs["output"]],
        "nodes": nodes,
        "edges": edges,
    }


def keras_document(graph: Graph, file: Path) -> None:
    """The same layers as a Keras model's JSON."""
    code = (
        "import os, sys, json; os.environ['KERAS_BACKEND'] = 'torch'; import keras; from keras import layers as L\n"
        "spec = json.load(open(sys.argv[1])); t = {}\n"
        "t['input'] = x = keras.Input(tuple(spec['input_shape'][2:] + spec['input_shape'][1:2]))\n"
        "for n in spec['nodes'][1:]:\n"
        "    i = [t[e['source']] for e in spec['edges'] if e['target'] == n['id']]; p = n['params']; k = n['type']\n"
        "    pad = lambda y: L.ZeroPadding2D(p['padding'])(y) if p.get('padding') else y\n"
        "    t[n['id']] = (\n"
        "        L.Conv2D(p['out_channels'], p['kernel_size'], p['stride'], use_bias=p['bias'])(pad(i[0]))\n"
        "        if k == 'Conv2d'\n"
        "        else L.BatchNormalization()(i[0]) if k == 'BatchNorm2d' else L.ReLU()(i[0]) if k == 'ReLU'\n"
        "        else L.MaxPooling2D(p['kernel_size'], p['stride'])(pad(i[0])) if k == 'MaxPool2d'\n"
        "        else L.Add()(i) if k == 'Add' else L.GlobalAveragePooling2D()(i[0]) if k == 'AdaptiveAvgPool2d'\n"
        "        else i[0] if k == 'Flatten' else L.Dense(p['out_features'])(i[0]))\n"
        "open(sys.argv[2], 'w').write(keras.Model(x, t[spec['output_node']]).to_json())\n"
    )
    subprocess.run([sys.executable, "-c", code, str(file.parent / "mlnode.json"), str(file)], check=True)


def compare(spec: Path, runs: int) -> str:
    """The table of whole processes."""
    graph = specgraph.load(spec)
    program = shutil.which("specgraph") or str(Path(sys.executable).parent / "specgraph")
    with tempfile.TemporaryDirectory() as folder:
        peer = Path(folder) / "mlnode.json"
        peer.write_text(json.dumps(mlnode_document(graph)))
        contestants = {"specgraph check": [program, "check", str(spec)]}
        left_out = []
        if find_spec("mlnode"):
            code = "import sys; from mlnode import MLnodeModel; assert MLnodeModel.load(sys.argv[1]).validate().valid"
            contestants["mlnode load and validate"] = [sys.executable, "-c", code, str(peer)]
        else:
            left_out.append("mlnode")
        if find_spec("keras"):
            keras_file = Path(folder) / "keras.json"
            keras_document(graph, keras_file)
            code = (
                "import os, sys; os.environ['KERAS_BACKEND'] = 'torch'; import keras;"
                "keras.models.model_from_json(open(sys.argv[1]).read())"
            )
            contestants["keras model_from_json"] = [sys.executable, "-c", code, str(keras_file)]
        else:
            left_out.append("keras")
        if find_spec("onnx"):
            onnx_file = Path(folder) / "network.onnx"
            specgraph.export_onnx(graph, onnx_file)
            code = "import sys, onnx; onnx.checker.check_model(sys.argv[1], full_check=True)"
            contestants["onnx full check"] = [sys.executable, "-c", code, str(onnx_file)]
        else:
            left_out.append("onnx")
        seconds = alternate({n: partial(process_seconds, c) for n, c in contestants.items()}, runs)
    note = f"\n\nnot installed: {', '.join(left_out)}" if left_out else ""
    return table(seconds) + note


def flat_spec(count: int) -> dict[str, Any]:
    """A network of `count` nodes, each written out."""
    kinds: list[Any] = [{"op": "conv", "out_channels": 8, "kernel_size": 3, "padding": 1}, "batch_norm", "relu"]
    nodes = {f"n{index}": copy.copy(kinds[index % 3]) for index in range(count)}
    return {"specgraph": 1, "inputs": {"image": [8, 16, 16]}, "nodes": nodes}


def repeated_spec(count: int) -> dict[str, Any]:
    """A network of `count` nodes by `repeat` of a block of three."""
    block = {"nodes": flat_spec(3)["nodes"]}
    nodes = {"body": {"block": "unit", "repeat": count // 3}}
    return {"specgraph": 1, "inputs": {"image": [8, 16, 16]}, "blocks": {"unit": block}, "nodes": nodes}


def growth(sizes: list[int]) -> str:
    """Seconds and peak memory of whole processes by number of nodes."""
    import yaml

    lines = ["| nodes | form | seconds | nodes/s | peak MB |", "|---:|---|---:|---:|---:|"]
    program = shutil.which("specgraph") or str(Path(sys.executable).parent / "specgraph")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            forms = {
                "YAML, flat": ("flat.yaml", yaml.safe_dump(flat_spec(size), sort_keys=False)),
                "JSON, flat": ("flat.json", json.dumps(flat_spec(size), indent=1)),
                "YAML, repeat": ("repeat.yaml", yaml.safe_dump(repeated_spec(size), sort_keys=False)),
            }
            for form, (name, text) in forms.items():
                file = Path(folder) / name
                file.write_text(text)
                start = time.perf_counter()
                code = (
                    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
                    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
                )
                command = [sys.executable, "-c", code, program, "check", str(file)]
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                seconds = time.perf_counter() - start
                lines.append(f"| {size:,} | {form} | {seconds:.2f} | {size / seconds:,.0f} | {result.stdout.strip()} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spec", type=Path, default=ROOT / "specs/resnet18.yaml")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--growth", action="store_true", help="also 1,000, 10,000 and 100,000 nodes")
    args = parser.parse_args()
    print(f"`{args.spec.name}`, whole processes, {args.runs} alternated runs\n\n{compare(args.spec, args.runs)}")
    graph = specgraph.load(args.spec)
    start = time.perf_counter()
    for _ in range(20):
        specgraph.check(args.spec)
    per_second = 20 * len(graph.nodes) / (time.perf_counter() - start)
    print(f"\nwarm, in one process: {per_second:,.0f} nodes per second")
    if args.growth:
        print(f"\n{growth([1_000, 10_000, 100_000])}")


if __name__ == "__main__":
    main()
