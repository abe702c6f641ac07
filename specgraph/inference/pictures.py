"""Writing the pictures of predictions: masks, overlays, images."""

from __future__ import annotations

import io
import os
from pathlib import Path

from specgraph.atomic_files import write_atomically
from specgraph.inference.given_images import open_any
from specgraph.runs.files import make_folder
from specgraph.tasks.prediction import Prediction


class PictureFolder:
    """A folder of pictures, named after the images that they are of: `cat.mask.png` of `cat.jpg`.

    Images of one name from several folders get a number: `cat-2.mask.png`.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._taken: set[str] = set()

    def write(self, prediction: Prediction) -> dict[str, str]:
        """Write a prediction's pictures; their paths by kind, nothing for a task without pictures. Raises
        `CommandError` where a file cannot be written."""
        if prediction.error is not None or not prediction.has_pictures:
            return {}
        path = prediction.image if isinstance(prediction.image, str | os.PathLike) else prediction.source
        stem = self._free(Path(path).stem or "image")
        written = {}
        for kind, picture in prediction.pictures(open_any(prediction.image)).items():
            place = self.folder / f"{stem}.{kind}.png"
            content = io.BytesIO()
            picture.save(content, format="PNG")
            make_folder(self.folder)
            write_atomically(place, content.getvalue())
            written[kind] = str(place)
        return written

    def _free(self, stem: str) -> str:
        number, free = 1, stem
        while free.casefold() in self._taken:
            number += 1
            free = f"{stem}-{number}"
        self._taken.add(free.casefold())
        return free
