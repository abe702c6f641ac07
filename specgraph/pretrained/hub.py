"""Weights of the Hugging Face Hub, timm's among them, with what their repository says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from specgraph.datasets.preprocessing import Preprocessing
from specgraph.errors import CommandError, line_of, require
from specgraph.pretrained.addresses import HUB, TIMM
from specgraph.pretrained.fetched import (
    OFFLINE_HELP,
    SHA256,
    Fetched,
    checksum,
    cropped,
    metadata_of,
    origin_of,
    unreachable,
)

USUAL_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_pytorch_model.bin")
CONFIGURATIONS = ("config.json", "preprocessor_config.json")
ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+?))?(?:/(?P<file>[^@]+))?", re.ASCII)
FORM = "write hf://OWNER/NAME, hf://OWNER/NAME/FILE or hf://OWNER/NAME@REVISION"
INTERPOLATIONS = {0: "nearest", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of them, as configurations of processors have them."""


class Place(NamedTuple):
    """A file of a repository."""

    repo: str
    revision: str | None
    file: str | None


def fetch_hub(address: str, *, offline: bool) -> Fetched:
    """The file at an address of the hub, in its cache on this machine. Raises `CommandError`."""
    require("huggingface_hub", "hub", "weights of the Hugging Face Hub")
    place = parse_address(address)
    path = _weights(place, address, offline=offline)
    blob = path.resolve().name
    if SHA256.fullmatch(blob) and checksum(path) != blob:
        raise CommandError(f"{path} is damaged: its checksum is not {blob}", "delete it, and it is fetched again")
    revision = next((above.name for above in path.parents if above.parent.name == "snapshots"), "")
    held = revision or place.revision
    configurations = [_configuration(place, name, held, offline=offline) for name in CONFIGURATIONS]
    metadata = metadata_of(address, _preprocessing(*configurations), _names(configurations[0]), revision=revision)
    return Fetched(path, metadata, origin_of(address, path, revision=revision))


def parse_address(address: str) -> Place:
    """The place of an address of the hub or of timm. Raises `CommandError`."""
    if address.startswith(TIMM):
        name = address.removeprefix(TIMM)
        if "." not in name:
            raise CommandError(
                f"{address} has no tag of its weights", f"timm's are named such as {TIMM}{name or 'resnet50'}.a1_in1k"
            )
        address = f"{HUB}timm/{name}"
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise CommandError(f"{address} is not an address of the hub", FORM)
    return Place(found["repo"], found["revision"], found["file"])


def _weights(place: Place, address: str, *, offline: bool) -> Path:
    """The file of weights: the one named, or the first of the usual names that there is."""
    for name in (place.file,) if place.file else USUAL_FILES:
        found = _download(place, name, place.revision, address, offline=offline)
        if found is not None:
            return found
    if offline:
        raise CommandError(f"{address} is not on this machine", OFFLINE_HELP)
    what = place.file or " or ".join(USUAL_FILES)
    held = _files(place)
    shown = ", ".join(f"hf://{place.repo}/{name}" for name in held[:4])
    raise CommandError(f"{place.repo} has no file {what}", f"it has {shown}" if held else None)


def _download(place: Place, name: str, revision: str | None, address: str, *, offline: bool) -> Path | None:
    """A file of a repository; None if it has none of this name, or none is on this machine."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(place.repo, name, revision=revision, local_files_only=offline))
    except LocalEntryNotFoundError as error:
        if offline:
            return None
        raise unreachable(address, line_of(error).rstrip("."), "check the connection, or fetch it elsewhere") from None
    except EntryNotFoundError:
        return None
    except Exception as error:  # the library raises many kinds, its HTTP client more
        raise unreachable(
            address, line_of(error).rstrip("."), "check the name, the revision, and `hf auth login`"
        ) from None


def _configuration(place: Place, name: str, revision: str | None, *, offline: bool) -> dict[str, Any]:
    """A JSON file beside the weights, from this machine or the hub; empty if there is none that can be read."""
    for cached in (True,) if offline else (True, False):
        try:
            path = _download(place, name, revision, place.repo, offline=cached)
            if path is not None:
                held = json.loads(path.read_text(encoding="utf-8"))
                return held if isinstance(held, dict) else {}
        except (CommandError, OSError, ValueError):
            return {}
    return {}


def _files(place: Place) -> list[str]:
    from huggingface_hub import HfApi

    try:
        held = HfApi().list_repo_files(place.repo, revision=place.revision)
    except Exception:  # what is missing was said already
        return []
    return [name for name in held if name.endswith((".safetensors", ".bin", ".pth", ".pt"))]


def _preprocessing(config: dict[str, Any], processor: dict[str, Any]) -> Preprocessing | None:
    """What timm's configuration or a processor's says; None where they do not."""
    try:
        timm = config.get("pretrained_cfg")
        if isinstance(timm, dict):
            channels, height, width = timm["input_size"]
            return _checked(
                cropped(
                    (height, width), float(timm.get("crop_pct") or 1), timm, timm.get("interpolation", ""), channels
                )
            )
        if "image_mean" in processor:
            size = processor.get("crop_size") or processor["size"]
            height, width = (size, size) if isinstance(size, int) else (size["height"], size["width"])
            short = processor["size"]
            shorter = short if isinstance(short, int) else short.get("shortest_edge", min(height, width))
            statistics = {"mean": processor["image_mean"], "std": processor["image_std"]}
            kind = INTERPOLATIONS.get(processor.get("resample", 2), "bilinear")
            return _checked(cropped((height, width), height / shorter, statistics, kind, len(statistics["mean"])))
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        return None
    return None


def _checked(known: Preprocessing) -> Preprocessing:
    return Preprocessing.from_plain(known.to_plain())


def _names(config: dict[str, Any]) -> list[str] | None:
    """Class names by timm's `label_names` or the numbers of `id2label`."""
    names = config.get("label_names")
    if isinstance(names, list):
        return [str(name) for name in names]
    numbered = config.get("id2label")
    if isinstance(numbered, dict) and sorted(numbered) == sorted(map(str, range(len(numbered)))):
        return [str(numbered[str(number)]) for number in range(len(numbered))]
    return None
