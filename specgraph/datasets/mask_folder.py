"""Which image has which mask in a folder: `images/` and `masks/`, or the layout of PASCAL VOC."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from specgraph.datasets.folder_facts import SUFFIXES
from specgraph.datasets.masks import Pair, read_pairs
from specgraph.datasets.samples import Dataset
from specgraph.errors import CommandError, reason
from specgraph.recipes.feeding import Data

SPLITS = {"train": ("train", "training"), "validation": ("val", "valid", "validation"), "test": ("test",)}
LAYOUT = (
    "a folder holds train/images and train/masks (and val, test), or images and masks, or JPEGImages, "
    "SegmentationClass and ImageSets/Segmentation as PASCAL VOC"
)
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
VOC_IMAGES, VOC_MASKS, VOC_LISTS = "JPEGImages", "SegmentationClass", "ImageSets/Segmentation"
LABEL_MAP = "labelmap.txt"  # of CVAT's exports: name:red,green,blue:parts:actions


def read_masks(root: Path, data: Data, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """Images and masks of a folder (see `read_pairs`).

    Raises `CommandError` for another layout, images without masks, class numbers beyond the classes, unknown colours.
    """
    place = _voc(root)
    if place is not None:
        return _read_voc(place, data, size, channels)
    folders = {part: _folder(root, names) for part, names in SPLITS.items()}
    if folders["train"] is None:
        if not (root / "images").is_dir():
            raise CommandError(f"there are no images and masks in {root}", LAYOUT)
        folders["train"] = root
    pairs = {part: _pairs(folder) for part, folder in folders.items() if folder is not None}
    return read_pairs(pairs, data, size, channels, name="masks")


def _folder(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name / "images").is_dir()), None)


def _pairs(folder: Path) -> list[Pair]:
    masks = _by_stem(folder / "masks")
    images = sorted(path for path in (folder / "images").glob("*") if path.suffix.lower() in SUFFIXES)
    lacking = [path.name for path in images if path.stem not in masks]
    if not images or lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        what = f"{lacking[0]}{more} has no mask in {folder / 'masks'}" if lacking else f"{folder} holds no image"
        raise CommandError(what, "a mask is a .png of the image's name")
    return [(path, masks[path.stem]) for path in images]


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES}


def _voc(root: Path) -> Path | None:
    """The folder in VOC's layout that `root` is, or holds as VOC's own archive does: the latest year."""
    places = [root, *sorted(root.glob("VOC20*"), reverse=True), *sorted(root.glob("VOCdevkit/VOC20*"), reverse=True)]
    return next((place for place in places if (place / VOC_IMAGES).is_dir() and (place / VOC_MASKS).is_dir()), None)


def _read_voc(place: Path, data: Data, size: tuple[int, int] | None, channels: int | None) -> Dataset:
    """`train.txt` and `val.txt` of `ImageSets/Segmentation` list the images; without them every image with a mask is
    taken. As VOC's test masks are not public, `val` is the test set unless images of `test.txt` have masks."""
    images, masks = _by_stem(place / VOC_IMAGES), _by_stem(place / VOC_MASKS)
    lists = {path.stem.lower(): path for path in sorted((place / VOC_LISTS).glob("*.txt"))}
    pairs: dict[str, list[Pair]] = {}
    for part, names in SPLITS.items():
        listed = next((lists[name] for name in names if name in lists), None)
        if listed is not None and (part != "test" or any(stem in masks for stem in _stems(listed))):
            pairs[part] = [_pair(stem, images, masks, listed) for stem in _stems(listed)]
    if "train" not in pairs:
        stems = sorted(images.keys() & masks.keys())
        if not stems or pairs:
            what = f"no list train.txt in {place / VOC_LISTS}" if pairs else f"no image with a mask in {place}"
            raise CommandError(f"there is {what}", LAYOUT)
        pairs = {"train": [(images[stem], masks[stem]) for stem in stems]}
    notes: tuple[str, ...] = ()
    if "test" not in pairs and "validation" in pairs:
        pairs["test"] = pairs.pop("validation")
        notes = (f"{place} has masks for train and val: val is the test set",)
    colors = _label_map(place / LABEL_MAP)
    usual = None if colors or data.classes else VOC_CLASSES
    found = read_pairs(pairs, data, size, channels, name=str(place), names=usual, colors=colors)
    return replace(found, notes=(*notes, *found.notes))


def _stems(listed: Path) -> list[str]:
    try:
        return [line.split()[0] for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        told = reason(error) if isinstance(error, OSError) else str(error)
        raise CommandError(f"{listed} cannot be read: {told}") from None


def _pair(stem: str, images: dict[str, Path], masks: dict[str, Path], listed: Path) -> Pair:
    for found, folder in ((images, VOC_IMAGES), (masks, VOC_MASKS)):
        if stem not in found:
            raise CommandError(f"{listed} names {stem}, which is not in {folder}", "remove the line, or add the file")
    return images[stem], masks[stem]


def _label_map(path: Path) -> dict[str, tuple[int, ...]] | None:
    """Colours of classes, as CVAT writes them beside VOC's folders; None without such a file."""
    if not path.is_file():
        return None
    colors: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        try:
            rgb = tuple(int(part) for part in rest.split(":")[0].split(","))
        except ValueError:
            rgb = ()
        if len(rgb) != 3:
            raise CommandError(f"line {number} of {path} is `{line}`", "a line is name:red,green,blue:parts:actions")
        colors[name] = rgb
    return colors or None
