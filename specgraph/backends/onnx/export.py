"""From the typed graph straight to an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import onnx

from specgraph.backends.onnx import frontend
from specgraph.backends.onnx.builder import FLOAT, FLOAT16, INT64, UINT8, Builder, Inexpressible
from specgraph.backends.onnx.fixed_batch import fix_batch
from specgraph.backends.onnx.fold import fold_batch_norms
from specgraph.backends.onnx.lowering import lowerings
from specgraph.backends.onnx.metadata import SOFTMAX, describe
from specgraph.backends.onnx.opsets import DEFAULT_OPSET, NEWEST_OPSET, OLDEST_OPSET, ir_version
from specgraph.backends.onnx.serialise import OnnxModel
from specgraph.backends.onnx.weights import StateDict, Weights, check_state_dict
from specgraph.datasets.preprocessing import Preprocessing
from specgraph.diagnostics.model import Diagnostic
from specgraph.diagnostics.rule import rule
from specgraph.errors import CommandError, SpecError, reason, require
from specgraph.graph.classifier import image_inputs
from specgraph.graph.dims import Dim
from specgraph.graph.liveness import live_at_inference
from specgraph.graph.model import Graph, Node
from specgraph.ops.registry import behaviour_of
from specgraph.tasks import registry as tasks
from specgraph.tasks.heads import HeadsTask
from specgraph.tasks.task import Task

LRN_FORMS = ("native", "composed")
_LRN_CHOICE = " or ".join(LRN_FORMS)


class ExportOptions(NamedTuple):
    """What an ONNX export does beyond the plain network.

    `softmax` ends every output in probabilities, which for labels a sigmoid makes; `argmax` ends every output in
    class numbers; `preprocess` makes the input raw uint8 images
    (N, height, width, C); `half` computes in float16 after float32 inputs and outputs;
    `fold_batch_norm` folds batch normalisation into the layer before it; `lrn` writes local
    response normalisation of an odd size as one node (`native`) or as nodes that onnxruntime computes
    several times as fast on the CPU (`composed`). `batch_size` fixes the batch axis, which is free otherwise.
    `metadata` says what the output means: the task, its names, thresholds or statistics. `weights` says in the file
    where the weights come from.
    """

    opset: int = DEFAULT_OPSET
    softmax: bool = False
    argmax: bool = False
    preprocess: bool = False
    half: bool = False
    fold_batch_norm: bool = False
    lrn: str = "native"
    batch_size: int | None = None
    class_names: Sequence[str] | None = None
    preprocessing: Preprocessing | None = None
    metadata: Mapping[str, str] = {}
    weights: str = "given"

    @property
    def task(self) -> Task | None:
        """What the output is trained for, if that is known."""
        return tasks.task_in(self.metadata)

    @property
    def built_in(self) -> list[str]:
        """What the file does beyond the spec."""
        named = {
            "preprocess": self.preprocess,
            SOFTMAX: self.softmax,
            "argmax": self.argmax,
            "fp16": self.half,
            "fold-batch-norm": self.fold_batch_norm,
        }
        return [name for name, on in named.items() if on]


def export_onnx(
    graph: Graph | str | PathLike[str] | dict[str, Any],
    path: str | PathLike[str],
    state_dict: Mapping[str, Any] | None = None,
    *,
    opset: int = DEFAULT_OPSET,
    softmax: bool = False,
    argmax: bool = False,
    preprocess: bool = False,
    half: bool = False,
    fold_batch_norm: bool = False,
    lrn: str = "native",
    batch_size: int | None = None,
    external_data: bool | None = None,
    class_names: Sequence[str] | None = None,
    preprocessing: Preprocessing | Mapping[str, Any] | None = None,
    metadata: Mapping[str, str] | None = None,
    weights: str | None = None,
    seed: int = 0,
) -> list[Path]:
    """Write `graph` as an ONNX file; the files written, the model first.

    `state_dict` holds torch tensors or numpy arrays; without it the weights are the initialisation
    under `seed`, and the file's metadata say so. `metadata` are those of the weights that say what the output
    means (`task`, `class_names`, `thresholds`, …). Nothing is written when the graph cannot be said in
    the chosen opset.

    Raises `SpecError` (SG6xx) for that, `CommandError` for weights that do not fit, an opset outside
    the range, or a path that cannot be written.
    """
    loaded = _load(graph)
    if state_dict is None:
        require("torch", "torch", "initialising weights")
        from specgraph.backends.torch.compile import compile_graph

        state_dict = compile_graph(loaded, seed=seed).state_dict()
        weights = weights or f"seeded initialisation (seed {seed})"
    check_state_dict(loaded, state_dict)
    options = ExportOptions(
        opset=opset,
        softmax=softmax,
        argmax=argmax,
        preprocess=preprocess,
        half=half,
        fold_batch_norm=fold_batch_norm,
        lrn=lrn,
        batch_size=batch_size,
        class_names=class_names,
        preprocessing=_checked(preprocessing) if preprocessing else None,
        metadata=metadata or {},
        weights=weights or "given",
    )
    model = build_model(loaded, StateDict(state_dict), options)
    try:
        return model.write(Path(path), external_data=external_data)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {reason(error)}") from error


def _checked(preprocessing: Preprocessing | Mapping[str, Any]) -> Preprocessing:
    """Raises ValueError where it describes no preprocessing."""
    plain = preprocessing.to_plain() if isinstance(preprocessing, Preprocessing) else preprocessing
    return Preprocessing.from_plain(plain)


def build_model(graph: Graph, weights: Weights, options: ExportOptions | None = None) -> OnnxModel:
    """`graph` as an ONNX model in memory. Raises `SpecError` with one diagnostic per node that cannot
    be said in the chosen opset, `CommandError` for an opset outside the range."""
    options = options or ExportOptions()
    if not OLDEST_OPSET <= options.opset <= NEWEST_OPSET:
        help = f"choose one from {OLDEST_OPSET} to {NEWEST_OPSET}"
        if options.opset < OLDEST_OPSET:
            convert = f"onnx.version_converter.convert_version(onnx.load(FILE), {options.opset})"
            help += f"; {convert} makes an older file of one of opset {OLDEST_OPSET}, where it knows how for all nodes"
        raise CommandError(f"opset {options.opset} is not offered", help)
    if options.preprocess and options.preprocessing is not None:
        options = options._replace(preprocessing=options.preprocessing.inside_a_file())
    described = graph
    if options.fold_batch_norm:
        graph, weights = fold_batch_norms(graph, weights)
    if options.lrn not in LRN_FORMS:
        raise CommandError(f"`{options.lrn}` is no form of local response normalisation", f"choose {_LRN_CHOICE}")
    end = _end_of(options)
    suffix = "/scores" if end else "/half" if options.half else ""
    builder = Builder(
        graph,
        weights,
        options.opset,
        half=options.half,
        composed_lrn=options.lrn == "composed",
        output_suffix=suffix,
    )
    _add_inputs(builder, options)
    _lower(builder)
    for value, path in builder.copies.items():
        builder.raw("Identity", [builder.value(path)], value)
    for name, value in builder.outputs.items():
        if options.half:
            value = builder.raw("Cast", [value], f"{name}/float" if end else name, to=FLOAT)
        if end == "argmax":
            frontend.add_argmax(builder, value, name)
        elif end is not None:
            kind = "exclusive" if options.task is None else options.task.probabilities_of(name)
            frontend.add_probabilities(builder, name, value, name, kind)
    proto = _assemble(builder, described, options)
    if options.batch_size is not None:
        fix_batch(proto, options.batch_size)
    return OnnxModel(proto, builder.initialisers)


def _end_of(options: ExportOptions) -> str | None:
    """What follows the network: probabilities (of each output whose task has some), argmax or nothing. Raises
    `CommandError` for what its task does not have."""
    task = options.task
    if options.argmax and options.softmax:
        raise CommandError("--softmax and --argmax exclude each other")
    if options.argmax:
        if isinstance(task, HeadsTask):
            raise CommandError(
                f"--argmax is for one output, and the network has {', '.join(task.heads)}",
                "use --softmax, and take the largest of each",
            )
        if task is not None and not task.has_classes:
            raise CommandError(f"--argmax gives class numbers, and the task {task.name} has no classes", "leave it out")
        return "argmax"
    if not options.softmax:
        return None
    outputs = task.heads if isinstance(task, HeadsTask) else {"": None}
    if task is not None and not any(map(task.probabilities_of, outputs)):
        told = "its tasks have none" if isinstance(task, HeadsTask) else f"the task {task.name} has none"
        raise CommandError(f"--softmax gives probabilities, and {told}", "leave it out")
    return SOFTMAX


def _load(graph: Graph | str | PathLike[str] | dict[str, Any]) -> Graph:
    if isinstance(graph, Graph):
        return graph
    from specgraph.checking import load

    return load(graph)


def _add_inputs(builder: Builder, options: ExportOptions) -> None:
    graph = builder.graph
    if options.preprocess:
        images = image_inputs(graph)
        if not images:
            raise CommandError("--preprocess needs a network whose inputs are images")
        preprocessing = options.preprocessing
        if preprocessing is None or preprocessing.own:
            raise CommandError(
                "--preprocess needs to know the mean and deviation the network was trained with",
                "export a run" if len(images) > 1 else "export a run, or give --mean and --std",
            )
        for name, own in preprocessing.each(list(images)).items():
            if images[name].dims[0] != own.channels:
                raise CommandError(
                    f"input `{name}` has {images[name].dims[0]} channels but the preprocessing gives {own.channels}"
                )
            frontend.add_preprocessing(builder, name, own)
    elif options.half:
        for name in graph.inputs:
            frontend.add_half_input(builder, name)


def _lower(builder: Builder) -> None:
    known_ops = lowerings()
    faults: list[Diagnostic] = []
    for node in live_at_inference(builder.graph):
        if behaviour_of(node.op).is_idle:
            continue
        lower = known_ops.get(node.op)
        try:
            if lower is None:
                raise Inexpressible(
                    f"op `{node.op}` has no ONNX lowering",
                    "a plug-in op needs an entry in `specgraph.backends.onnx.lowering.lowerings()`",
                )
            lower(builder, node)
        except Inexpressible as fault:
            faults.append(_diagnostic(node, fault))
            builder.give_up(node)
    if faults:
        raise SpecError(faults)


def composed_nodes(builder: Builder) -> dict[str, dict[str, Any]]:
    """Op, arguments and inputs of the nodes that took more than one ONNX node, or one of another op, by path."""
    composed: dict[str, dict[str, Any]] = {}
    for name, path in builder.scopes.items():
        if (name != path or path in builder.disguised) and path not in composed:
            node = builder.graph.nodes[path]
            composed[path] = {"op": node.op, "arguments": node.arguments, "inputs": builder.inputs(node)}
    return composed


def held_tensors(builder: Builder) -> dict[str, dict[str, Any]]:
    """Path, op, arguments and inputs of the nodes whose values are initialisers, by the initialiser's name."""
    held: dict[str, dict[str, Any]] = {}
    for value, path in builder.held.items():
        node = builder.graph.nodes[path]
        held[value] = {"path": path, "op": node.op, "arguments": node.arguments}
        if node.inputs:
            held[value]["inputs"] = builder.inputs(node)
    return held


def _diagnostic(node: Node, fault: Inexpressible) -> Diagnostic:
    found = rule(fault.rule)
    return Diagnostic(
        code=found.code,
        rule=found.name,
        severity="error",
        message=f"node `{node.path}`: {fault.message}",
        span=node.span,
        node=node.path,
        marker="not in ONNX",
        help=fault.help,
    )


def _assemble(builder: Builder, graph: Graph, options: ExportOptions) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.ir_version = ir_version(options.opset)
    model.producer_name = "specgraph"
    opset = model.opset_import.add()
    opset.domain, opset.version = "", options.opset
    metadata = describe(
        graph,
        weights=options.weights,
        class_names=options.class_names,
        output=options.metadata,
        preprocessing=options.preprocessing,
        built_in=options.built_in,
        composed=composed_nodes(builder),
        held=held_tensors(builder),
    )
    model.producer_version = metadata["specgraph.version"]
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    model.graph.name = graph.name
    if graph.description:
        model.graph.doc_string = graph.description
    model.graph.node.extend(builder.nodes)
    for name, kind in graph.inputs.items():
        if options.preprocess:
            sides = ("height", "width") if len(graph.inputs) == 1 else (f"{name}_height", f"{name}_width")
            _set_type(model.graph.input.add(), name, UINT8, ("N", *sides, kind.dims[0]))
        else:
            _set_type(model.graph.input.add(), name, FLOAT, kind.shape)
    final = graph.inference_outputs()
    for name, path in final.items():
        shape = graph.type_of(path).shape
        if options.argmax:
            _set_type(model.graph.output.add(), name, INT64, (shape[0], *shape[2:]))
        else:
            _set_type(model.graph.output.add(), name, FLOAT, shape)
    for value, kind in builder.value_types.items():
        if value not in final:
            _set_type(model.graph.value_info.add(), value, FLOAT16 if options.half else FLOAT, kind.shape)
    return model


def _set_type(info: onnx.ValueInfoProto, name: str, element: int, shape: Sequence[Dim | str]) -> None:
    info.name = name
    tensor = info.type.tensor_type
    tensor.elem_type = element
    tensor.shape.SetInParent()
    for size in shape:
        dim = tensor.shape.dim.add()
        if isinstance(size, int):
            dim.dim_value = size
        else:
            dim.dim_param = str(size)
