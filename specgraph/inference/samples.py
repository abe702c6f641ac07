"""The images of a network with several inputs, as a command line names them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from specgraph.errors import CommandError
from specgraph.inference.given_images import image_files


def samples_of(words: Sequence[str], inputs: Sequence[str]) -> list[dict[str, Path]]:
    """The samples that `left=a.png right=b.png` name: for each input its files in order, those of a folder by name.

    Raises `CommandError` for an input without images, for inputs with different numbers of them, and for folders whose
    files have different names.
    """
    line = " ".join(f"{name}=IMAGE" for name in inputs)
    files: dict[str, list[Path]] = {name: [] for name in inputs}
    from_folders = True
    for word in words:
        name, mark, place = word.partition("=")
        if not mark or name not in files:
            raise CommandError(f"{word} does not say for which of {', '.join(inputs)} it is", f"write {line}")
        from_folders &= Path(place).is_dir()
        files[name] += image_files([place])
    lacking = [name for name, found in files.items() if not found]
    if lacking:
        raise CommandError(f"there is no image for the input `{lacking[0]}`", f"write {line}")
    counts = {name: len(found) for name, found in files.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count} for `{name}`" for name, count in counts.items())
        raise CommandError(f"the inputs have different numbers of images: {told}", "give each input one image a sample")
    rows = [dict(zip(files, row, strict=True)) for row in zip(*files.values(), strict=True)]
    for row in rows if from_folders else ():
        if len({place.stem for place in row.values()}) > 1:
            raise CommandError(
                f"files of a sample differ in name: {', '.join(map(str, row.values()))}",
                "name the files of each sample alike in all folders",
            )
    return rows
