"""What data ask of a recipe, whatever their files hold: which keys a name needs, reads and cannot take.

`check` asks before anything is read, and the readers ask again for data that no recipe names. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import splitext

from specgraph.datasets.catalog import (
    COLUMNS_READ,
    HUGGING_FACE,
    NPZ,
    READ_BY,
    SHAPES,
    TABLE,
    TORCHVISION,
    WEBDATASET,
    Targets,
    targets_of,
)
from specgraph.datasets.shape_names import DRAWN_IMAGES, DRAWN_SIDE, FEWEST_IMAGES, NAMES_OF, SMALLEST_SIDE
from specgraph.diagnostics.names import nearest
from specgraph.errors import CommandError
from specgraph.named_tuples import NamedTuple
from specgraph.recipes.feeding import Data

PARQUET = (".parquet", ".pq")
PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
"""Other words for the parts of a data set."""
PART_NAMES = ("train", "validation", "test")
REQUIRED = {
    TABLE: ("file", "train.csv"),
    NPZ: ("file", "pathmnist.npz"),
    TORCHVISION: ("dataset", "EuroSAT"),
    HUGGING_FACE: ("dataset", "owner/name, or a folder"),
    WEBDATASET: ("urls", '"train-{0000..0099}.tar"'),
}
"""The key that says where data of a name are, with an example."""
MOST_OF_COLOR = 255
GREY_CLASSES = "if 255 is a class, write colors: {background: [0, 0, 0], object: [255, 255, 255]}"
"""What to do about masks that hold 0 and 255, of which the latter is ignored."""
ONE_COLUMN: dict[Targets, str] = {"class": "a class is", "mask": "masks are", "picture": "the images to make are"}


class Demand(NamedTuple):
    """What is wrong with a recipe's `data`: the key at fault, what to say, and what to do."""

    key: str
    message: str
    help: str

    def error(self) -> CommandError:
        """As the end of a command."""
        return CommandError(self.message, self.help)


def has_pairs(targets: Targets, data: Data | None) -> bool:
    """Whether the images to learn are pictures of their own, beside those that go in."""
    return targets == "picture" and data is not None and (data.targets is not None or data.degrade is not None)


def missing(data: Data) -> Demand | None:
    """The key without which data of this name are nowhere."""
    key, example = REQUIRED.get(data.name, ("", ""))
    if not key or getattr(data, key) is not None:
        return None
    return Demand("name", f"data `{data.name}` need `{key}`, and the recipe has none", f"write {key}: {example}")


def missing_column(data: Data, kinds: Mapping[str, Targets]) -> Demand | None:
    """That the recipe does not say what of a table is learnt. Tables that Hugging Face wrote may tell it themselves."""
    if data.name != TABLE or data.file is None or splitext(data.file)[1].lower() in PARQUET:
        return None
    learns = [kind for kind in kinds.values() if kind != "picture"]
    return NO_COLUMN if learns and len(kinds) == 1 and data.targets is None else None


NO_COLUMN = Demand("name", "the recipe does not say which column of the table is learnt", "write targets: label")


def impossible(data: Data, kinds: Mapping[str, Targets]) -> Iterator[Demand]:
    """Values that no file could make right. `kinds` are what the outputs learn, by name."""
    if data.name == SHAPES:
        yield from _too_few(data.size, data.images)
        yield from _of_shrinking(data)
    if data.name == WEBDATASET:
        yield from _of_shards(data)
    yield from _of_colors(data.colors or {})
    if data.name in COLUMNS_READ:
        yield from _of_columns(data, kinds)
    elif data.targets is not None and list(kinds.values()) == ["picture"] and targets_of(data.name) is not None:
        told = f"data `{data.name}` have no column of images to make"
        yield Demand("targets", told, "use data {name: table, file: …, targets: column}")


def _of_colors(colors: Mapping[str, tuple[int, ...]]) -> Iterator[Demand]:
    seen: dict[tuple[int, ...], str] = {}
    for name, rgb in colors.items():
        if max(rgb) > MOST_OF_COLOR:
            told = f"data.colors gives `{name}` {list(rgb)}, and {MOST_OF_COLOR} is the most"
            yield Demand("colors", told, "write red, green and blue from 0 to 255")
        elif rgb in seen:
            told = f"data.colors gives `{seen[rgb]}` and `{name}` one colour, {list(rgb)}"
            yield Demand("colors", told, "give each class a colour of its own")
        seen.setdefault(rgb, name)


def _too_few(size: int | None, images: int | None) -> Iterator[Demand]:
    if size is not None and size < SMALLEST_SIDE:
        told = f"shapes are drawn on {SMALLEST_SIDE} pixels a side and more, not on {size}"
        yield Demand("size", told, f"write size: {SMALLEST_SIDE}, or leave it out for {DRAWN_SIDE}")
    if images is not None and images < FEWEST_IMAGES:
        told = f"at least {FEWEST_IMAGES} images of shapes are drawn, not {images}"
        yield Demand("images", told, f"write images: {FEWEST_IMAGES}, or leave it out for {DRAWN_IMAGES}")


def _of_shrinking(data: Data) -> Iterator[Demand]:
    shrink, size = data.degrade.shrink if data.degrade is not None else 1, data.size or DRAWN_SIDE
    if size % shrink:
        whole = max(size // shrink, 1) * shrink
        yield Demand("degrade", f"drawn images of {size}x{size} cannot be shrunk by {shrink}", f"write size: {whole}")


def _of_shards(data: Data) -> Iterator[Demand]:
    urls = data.urls if isinstance(data.urls, Mapping) else {"train": data.urls or ()}
    for written in urls.values():
        for text in [written] if isinstance(written, str) else written:
            if "://" in text or text.startswith("pipe:"):
                told = f"shards are read from files, and {text} is not one"
                yield Demand("urls", told, "copy the shards to a folder, and name it: root: …")
    for part in urls:
        if PARTS.get(part, part) not in PART_NAMES:
            close = nearest(part, PART_NAMES)
            told = f"data.urls names the part `{part}`, which is none of {', '.join(PART_NAMES)}"
            yield Demand("urls", told, f"did you mean {close}?" if close else "name it train, validation or test")
    if not any(PARTS.get(part, part) == "train" for part in urls):
        yield Demand("urls", "data.urls has no shards to train with", 'write train: "train-{0000..0099}.tar"')


def _of_columns(data: Data, kinds: Mapping[str, Targets]) -> Iterator[Demand]:
    for name, kind in kinds.items():
        named = (data.targets.get(name) if len(kinds) > 1 else None) if isinstance(data.targets, dict) else data.targets
        if isinstance(named, list | tuple) and len(named) > 1 and kind in ONE_COLUMN:
            yield several_columns(kind, len(named))
    classes = data.classes if isinstance(data.classes, tuple) else ()
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if twice is not None and {"class", "labels"} & set(kinds.values()):
        told = f"data.classes names `{twice}` twice, and rows tell their class by its name"
        yield Demand("classes", told, "give each class a name of its own")


def several_columns(kind: Targets, count: int) -> Demand:
    """That several columns are named where one is learnt."""
    help = "name one; several labels: task: multi_label" if kind == "class" else "name one"
    return Demand("targets", f"{ONE_COLUMN[kind]} one column, and data.targets names {count}", help)


def of_another_task(data: Data, kinds: Mapping[str, Targets], task: str) -> Iterator[Demand]:
    """Keys that are for other tasks than the recipe's."""
    learnt = list(kinds.values())
    known = f"the task is {task}" if len(kinds) == 1 else "the recipe trains several outputs"
    if data.degrade is not None and learnt != ["picture"]:
        yield Demand("degrade", f"degrade is for the task image, and {known}", "remove degrade")
    if data.sampler == "balanced" and learnt != ["class"]:
        told = f"sampler: balanced needs a class for each image, and {known}"
        yield Demand("sampler", told, "remove sampler")
    numbers = known_numbers(data, kinds)
    if data.units and numbers is not None:
        wrong = unknown_unit(data.units, numbers)
        if wrong is not None:
            yield wrong


def known_numbers(data: Data, kinds: Mapping[str, Targets]) -> list[str] | None:
    """The names of the numbers that are learnt; None if only the files tell them."""
    found: list[str] = []
    for name, kind in kinds.items():
        if kind != "numbers":
            continue
        named = data.targets.get(name) if isinstance(data.targets, dict) else data.targets
        if data.name == SHAPES:
            found += NAMES_OF[kind]
        elif isinstance(named, list | tuple):
            found += named
        elif isinstance(named, str) and data.name == TABLE and has_plain_cells(data):
            found.append(named)
        else:
            return None
    return found


def has_plain_cells(data: Data) -> bool:
    """Whether a column of the table holds one value a row: those of text do, those of Parquet may hold lists."""
    return data.file is not None and splitext(data.file)[1].lower() not in PARQUET


def unknown_unit(units: Mapping[str, str], known: list[str]) -> Demand | None:
    """A unit of something that is not a learnt number."""
    unknown = next((name for name in units if name not in known), None)
    if unknown is None:
        return None
    close = nearest(unknown, known)
    numbers = f"the numbers are {', '.join(sorted(known))}" if known else "remove units: no numbers are learnt"
    return Demand(
        "units",
        f"data.units names `{unknown}`, and no such number is learnt",
        f"did you mean {close}?" if close else numbers,
    )


def unread(data: Data) -> Iterator[Demand]:
    """Keys that data of this name do not look at."""
    if targets_of(data.name) is None:  # registered data may read anything
        return
    for key, names in READ_BY.items():
        value = getattr(data, key)
        names_outputs = key == "targets" and isinstance(value, dict)
        if value is not None and data.name not in names and not names_outputs:
            told = f"data `{data.name}` do not read `{key}`"
            yield Demand(key, told, f"remove {key}: it is for {_names(names)}")


def _names(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def refuse_data(data: Data, kinds: Mapping[str, Targets]) -> None:
    """Raises `CommandError` for the first key that is missing or impossible."""
    for found in (missing(data), missing_column(data, kinds), *impossible(data, kinds)):
        if found is not None:
            raise found.error()
