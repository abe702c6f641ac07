"""`specgraph predict`: classes, labels, numbers, masks or images for images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from specgraph.cli.arguments import inference_device, numbers, positive_int, positive_numbers
from specgraph.cli.spec_arguments import add_plugin_argument, add_task_argument, stated_task
from specgraph.cli.weights_arguments import add_weights_arguments, weights_of
from specgraph.errors import CommandError
from specgraph.escaping import for_line
from specgraph.guarded_output import unguarded

if TYPE_CHECKING:
    from specgraph.inference.parts import PartFolder
    from specgraph.inference.predictor import Predictor
    from specgraph.tasks.prediction import Prediction

    Answers = Iterator[tuple[Prediction, dict[str, str]]]

OUT = "predictions"

HELP = "predict for images with an ONNX file or a run"
EXAMPLES = (
    ("specgraph predict net.onnx photo.jpg", "the five likeliest classes"),
    ("specgraph predict net.onnx photos --top-k 1 --format jsonl", "all images below a folder, a line of JSON each"),
    ("specgraph predict runs/pairs/2026-01-31_12-00-00 left=a.png right=b.png", "of a network with two inputs"),
    (
        "specgraph predict runs/unet/2026-01-31_12-00-00 photo.jpg --out masks",
        "a mask, and the image with it laid over",
    ),
    ("specgraph predict net.onnx photos --output photos.parquet", "into a file, which a second call goes on with"),
    (
        "torchrun --nproc-per-node 8 -m specgraph predict net.onnx photos --output photos.jsonl",
        "the same, shared by eight processes",
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("model", metavar="MODEL.onnx|RUN", help="an ONNX file, or the folder of a run")
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGE|DIR",
        help="image files, or folders of them; of a network with several inputs NAME=IMAGE or NAME=DIR for each",
    )
    parser.add_argument("--top-k", type=positive_int, default=5, metavar="K", help="classes to show (default 5)")
    parser.add_argument("--format", choices=("table", "json", "jsonl"), default="table", help="how to print it")
    parser.add_argument(
        "--out", metavar="DIR", default=OUT, help=f"where masks, overlays and images are written (default: {OUT})"
    )
    add_task_argument(parser, "what the output is, if the file does not say")
    add_plugin_argument(parser)
    parser.add_argument("--batch-size", type=positive_int, default=32, metavar="N", help="images at a time")
    parser.add_argument(
        "--device",
        type=inference_device,
        default="auto",
        metavar="auto|cpu|cuda|tensorrt",
        help="what to run on; cuda:1 is the second GPU (default: a CUDA device if there is one)",
    )
    add_weights_arguments(parser, "where MODEL is a spec")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write the predictions to .jsonl or .parquet, in parts: a call that was killed is gone on with",
    )
    parser.add_argument("--output-name", metavar="NAME", help="which output of the network, where there are several")
    parser.add_argument("--mean", type=numbers, metavar="X,...", help="per channel, of values in [0, 1]")
    parser.add_argument("--std", type=positive_numbers, metavar="X,...", help="per channel, of values in [0, 1]")


def run(args: argparse.Namespace) -> int:
    """Print what is predicted for every image, or write it; 2 where none could be read."""
    from specgraph.inference.given_images import image_files
    from specgraph.inference.pictures import PictureFolder
    from specgraph.inference.predictor import Predictor
    from specgraph.inference.samples import samples_of
    from specgraph.inference.source import looks_like_source
    from specgraph.runs.place import find_local_place, find_place

    if args.weights and not looks_like_source(args.model):
        raise CommandError(f"{args.model} has its own weights", "leave --weights out")
    (rank, processes), (place, at_hand) = find_place(), find_local_place()
    parts = _part_folder(args, processes)
    predictor = Predictor(
        args.model,
        device=_device_of(args.device, place, at_hand),
        batch_size=args.batch_size,
        task=stated_task(args),
        output=args.output_name,
        weights=weights_of(args),
        mean=args.mean,
        std=args.std,
        processes=at_hand,
    )
    if rank == 0:
        _announce(predictor)
    images = samples_of(args.images, predictor.inputs) if len(predictor.inputs) > 1 else image_files(args.images)
    if parts is not None:
        return _write(args, predictor, parts, images, rank, processes)
    pictures = PictureFolder(args.out)
    watched = _watched(predictor.predict(images, args.top_k), sys.stderr)
    answers = ((prediction, pictures.write(prediction)) for prediction in watched)
    printing = {"table": _print_table, "json": _print_json, "jsonl": _print_lines}[args.format]
    num_read = printing(answers, args.top_k)
    if not num_read:
        raise CommandError("no image could be read")
    return 0


def _part_folder(args: argparse.Namespace, processes: int) -> PartFolder | None:
    """Where predictions are written in parts; None where they are printed."""
    if args.output is None:
        if processes > 1:
            raise CommandError(f"{processes} processes share the images, and none prints them", "name --output FILE")
        return None
    from specgraph.inference.parts import PartFolder

    if args.format != "table":
        raise CommandError("--format says how to print, and --output FILE prints nothing", "leave one of the two out")
    told = ("top_k", "task", "output_name", "mean", "std", "weights", "match", "adapt", "drop", "images", "out")
    return PartFolder(Path(args.output), {name: getattr(args, name, None) for name in told})


def _device_of(wanted: str, place: int, at_hand: int) -> str:
    """The device of one of several processes of a machine: each has a GPU in turn."""
    from specgraph.inference.session import num_cuda_devices

    if at_hand == 1 or wanted not in ("auto", "cuda"):
        return wanted
    count = num_cuda_devices()
    return f"cuda:{place % count}" if count else wanted


def _write(
    args: argparse.Namespace,
    predictor: Predictor,
    parts: PartFolder,
    images: Iterable[Any],
    rank: int,
    processes: int,
) -> int:
    """Write this process's share in parts; the last process joins them, and says what the file holds."""
    from specgraph.inference.parts import write_in_parts
    from specgraph.inference.pictures import PictureFolder

    parts.know("model", _hash_of(predictor.session.model))
    if not parts.open(rank):
        return 0
    before = len(parts.done())
    if before and rank == 0:
        print(f"{before} parts are written: going on with the others", file=sys.stderr)
    folders: dict[int, PictureFolder] = {}

    def row_of(number: int, prediction: Prediction) -> dict[str, Any]:
        if number not in folders:
            folders.clear()
            folders[number] = PictureFolder(Path(args.out) / f"part-{number:07d}")
        return prediction.plain(folders[number].write(prediction))

    def predict(own: Iterator[Any]) -> Iterator[Prediction]:
        return _watched(predictor.predict(own, args.top_k), sys.stderr)

    finished = write_in_parts(parts, images, predict, row_of, rank=rank, processes=processes)
    if finished.rows is None:
        return 0
    unread = f", {finished.broken:,} of images that could not be read" if finished.broken else ""
    print(f"{finished.rows:,} rows{unread}", file=sys.stderr)
    print(parts.target)
    if finished.broken == finished.rows:
        raise CommandError("no image could be read")
    return 0


def _hash_of(model: str | bytes) -> str:
    """A hash of a model, or of its file."""
    import hashlib

    if isinstance(model, bytes):
        return hashlib.sha256(model).hexdigest()
    with open(model, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _announce(predictor: Predictor) -> None:
    if predictor.session.fallback:
        print(f"warning: {predictor.session.fallback}", file=sys.stderr)
    print(predictor.pictures, file=sys.stderr)
    for note in predictor.assumed:
        print(f"note: {for_line(note)}", file=sys.stderr)


def _watched(predictions: Iterator[Prediction], stream: TextIO) -> Iterator[Prediction]:
    """The predictions, with broken images named and, on a terminal, a count of what is done."""
    stream = unguarded(stream)
    shown = stream.isatty()
    done = broken = 0
    for prediction in predictions:
        done += 1
        if prediction.error:
            broken += 1
            print(f"{chr(13) if shown else ''}skipped: {for_line(prediction.error)}", file=stream)
        if shown and done % 32 == 0:
            print(f"\r{done} images", end="", file=stream, flush=True)
        yield prediction
    if shown and done >= 32:
        print("\r" + " " * 30 + "\r", end="", file=stream)
    if broken:
        print(f"{broken} of {done} images could not be read", file=stream)


def _print_table(answers: Answers, top_k: int) -> int:
    num_read = 0
    for prediction, files in answers:
        if not prediction.error:
            num_read += 1
            cells = [prediction.source, *prediction.words(top_k), *files.values()]
            print("  ".join(map(for_line, cells)))
    return num_read


def _print_json(answers: Answers, _: int) -> int:
    import json

    num_read = 0
    print('{"version": 1, "predictions": [', end="")
    for position, (prediction, files) in enumerate(answers):
        num_read += not prediction.error
        print(("," if position else "") + "\n  " + json.dumps(prediction.plain(files), ensure_ascii=False), end="")
    print("\n]}")
    return num_read


def _print_lines(answers: Answers, _: int) -> int:
    import json

    num_read = 0
    for prediction, files in answers:
        num_read += not prediction.error
        print(json.dumps(prediction.plain(files), ensure_ascii=False))
    return num_read
