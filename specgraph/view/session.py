"""What a page is told: the data of now, and that there is newer data."""

from __future__ import annotations

import json
import os
import queue
import threading
from pathlib import Path
from typing import Any

from specgraph.atomic_files import rewrite
from specgraph.backends.view.findings import fixed_text
from specgraph.errors import CommandError
from specgraph.source.fixes import encode
from specgraph.view.document import Shown, Subject, with_difference
from specgraph.view.editor import editor_command
from specgraph.view.project import is_inside, project_folder


class ViewSession:
    """One network being looked at. Safe to use from several threads."""

    def __init__(self, subject: Subject, other: Subject | None = None, *, read_only: bool = False) -> None:
        self.subject = subject
        self.other = other
        self.read_only = read_only
        self.lock = threading.RLock()
        self.listeners: list[queue.SimpleQueue[tuple[str, str]]] = []
        self.revision = 0
        self.fields: tuple[int, dict[str, Any]] | None = None
        self.shown: Shown = subject.look()
        self.before: Shown | None = other.look() if other else None
        self.body = self._encode()

    @property
    def files(self) -> list[Path]:
        """The files that the picture depends on."""
        with self.lock:
            return [*self.shown.files, *(self.before.files if self.before else ())]

    def data(self) -> dict[str, Any]:
        """The page's data."""
        with self.lock:
            data = self.shown.data if self.before is None else with_difference(self.shown, self.before)
            return {
                **data,
                "title": self.subject.title,
                "subject": self.subject.kind,
                "revision": self.revision,
                "read_only": self.read_only,
                "editor": editor_command() is not None,
                "paths": self._absolute_paths(data.get("files", [])),
            }

    def _absolute_paths(self, files: list[str]) -> list[str]:
        return [os.path.realpath(path) if os.path.exists(path) else "" for path in files]

    def _encode(self) -> bytes:
        return json.dumps(self.data(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def refresh(self) -> None:
        """Look again, and tell the listeners. A file that cannot be read leaves the picture as it was."""
        with self.lock:
            try:
                self.shown = self.subject.look()
                self.before = self.other.look() if self.other else None
            except CommandError as error:
                self.tell("trouble", {"message": error.message})
                return
            self.revision += 1
            self.body = self._encode()
        self.tell("changed", {"revision": self.revision})

    def field_of(self, node: str) -> list[dict[str, Any]] | None:
        """The receptive field of a node, where the data have those of none; None where it is not known."""
        from specgraph.analysis.receptive_field import windows_of
        from specgraph.backends.view.tables import field_row

        with self.lock:
            report = self.shown.report
            if report is None or report.partial is None:
                return None
            if self.fields is None or self.fields[0] != self.revision:
                self.fields = (self.revision, windows_of(report.partial.graph))
            found = self.fields[1].get(node)
        return None if found is None else field_row(found)

    # listeners ---------------------------------------------------------------------------------

    def listen(self) -> queue.SimpleQueue[tuple[str, str]]:
        """A queue of (event, JSON) from now on."""
        listener: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        with self.lock:
            self.listeners.append(listener)
        return listener

    def forget(self, listener: queue.SimpleQueue[tuple[str, str]]) -> None:
        """Stop telling a listener."""
        with self.lock:
            if listener in self.listeners:
                self.listeners.remove(listener)

    def tell(self, event: str, content: dict[str, Any]) -> None:
        """Tell every listener."""
        text = json.dumps(content)
        with self.lock:
            for listener in self.listeners:
                listener.put((event, text))

    # cures -------------------------------------------------------------------------------------

    def apply_fix(self, revision: int, index: int, cure: int = 0) -> dict[str, Any]:
        """Write one fix into its file, as `check --fix` does. `index` is that of the diagnostic in the data of
        `revision`, `cure` that of its fix. Raises `CommandError` where that is not what the file holds now, or
        it may not be written."""
        if self.read_only:
            raise CommandError("the page is read-only", "start `specgraph view` without --read-only")
        with self.lock:
            report = self.shown.report
            if report is None:
                raise CommandError("an ONNX file has no text to fix")
            if revision != self.revision:
                raise CommandError("the file has changed since", "look at the page again")
            if not 0 <= index < len(report.diagnostics):
                raise CommandError("there is no such problem")
            diagnostic = report.diagnostics[index]
            if not 0 <= cure < len(diagnostic.fixes) or not diagnostic.fixes[cure].edits:
                raise CommandError(f"{diagnostic.code} has no such fix")
            fix = diagnostic.fixes[cure]
            source = report.sources.get(fix.edits[0].span.path)
            if source is None or not os.path.isfile(source.path):
                raise CommandError("the spec is not a file")
            target = Path(os.path.realpath(source.path))
            if not is_inside(target, project_folder(self.files[0])):
                raise CommandError(f"{source.path} lies outside the project", "fix it with `specgraph check --fix`")
            if target.read_bytes() != encode(source, source.text):
                raise CommandError("the file has changed since", "look at the page again")
            text = fixed_text(source, diagnostic, fix)
            if text is None:
                raise CommandError(f"the fix of {diagnostic.code} does not apply")
            rewrite(target, encode(source, text))
        self.refresh()
        return {"path": source.path, "revision": self.revision}
