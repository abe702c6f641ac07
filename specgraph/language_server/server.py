"""The protocol: documents in, answers out, over standard input and output."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from specgraph.language_server import convert
from specgraph.language_server.analysis import Analysis, Faults, analyse
from specgraph.language_server.features import answer_questions
from specgraph.language_server.positions import Encoding, Positions, path_of, uri_of
from specgraph.language_server.protocol import AnsweringProtocol
from specgraph.reporting.selection import selection_of_project
from specgraph.source.read import format_of, overlaid
from specgraph.source.tree import Format
from specgraph.version import __version__

DEBOUNCE_SECONDS = 0.15
IS_SPEC = re.compile(r"""(?:^|[{,])[ \t]*["']?specgraph["']?[ \t]*:""", re.MULTILINE)
SPEC_ENDINGS = (".yaml", ".yml", ".json")


@dataclass
class OpenDocument:
    """An open text. `checked` is the version that `analysis` is of."""

    uri: str
    path: str
    text: str
    version: int
    format: Format
    language: str
    is_spec: bool
    analysis: Analysis | None = None
    checked: int = -1
    last_good: Analysis | None = None
    known: Faults = frozenset()
    pending: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Server(LanguageServer):
    """The language server of specgraph."""

    def __init__(self) -> None:
        super().__init__(
            "specgraph",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            protocol_cls=AnsweringProtocol,
        )
        self.documents: dict[str, OpenDocument] = {}
        self.overlay: dict[str, bytes] = {}
        self.published: dict[str, dict[str, list[types.Diagnostic]]] = {}
        self.checking = asyncio.Lock()
        self.said_goodbye = False

    @property
    def encoding(self) -> Encoding:
        """The unit the editor counts columns in."""
        agreed = str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))
        return "utf-8" if agreed == "utf-8" else "utf-32" if agreed == "utf-32" else "utf-16"

    def can(self, *path: str) -> bool:
        """Whether the editor says it can do something, by the path of the capability."""
        found: Any = self.client_capabilities
        for name in path:
            found = getattr(found, name, None)
        return bool(found)

    # documents ---------------------------------------------------------------------------------

    def open(self, item: types.TextDocumentItem) -> OpenDocument:
        """Take up a text."""
        path = path_of(item.uri) or os.path.abspath(re.sub(r"[^\w.-]+", "_", item.uri) or "untitled")
        json_like = item.language_id.startswith("json") or (
            item.language_id not in ("yaml", "specgraph") and format_of(path) == "json"
        )
        document = OpenDocument(
            item.uri, path, item.text, item.version, "json" if json_like else "yaml", item.language_id, False
        )
        self.documents[item.uri] = document
        self.changed(document, item.text, item.version)
        return document

    def changed(self, document: OpenDocument, text: str, version: int) -> None:
        """Note a text's new state."""
        document.text, document.version = text, version
        document.is_spec = document.is_spec or document.language == "specgraph" or bool(IS_SPEC.search(text[:20_000]))
        self.overlay[os.path.realpath(document.path)] = text.encode("utf-8", "surrogatepass")

    async def close(self, uri: str) -> None:
        """Forget a text and what was said about it; those that include it read the saved file again."""
        document = self.documents.pop(uri, None)
        if document is None:
            return
        if document.pending is not None:
            document.pending.cancel()
        self.overlay.pop(os.path.realpath(document.path), None)
        for target, by_root in list(self.published.items()):
            if by_root.pop(uri, None) is not None:
                self._send(target)
        await self.check_users(document.path)

    async def current(self, uri: str) -> tuple[OpenDocument, Analysis] | None:
        """A text with its analysis, brought up to date first; None for a text that is no spec."""
        document = self.documents.get(uri)
        if document is None or not document.is_spec:
            return None
        await self.check(document)
        return (document, document.analysis) if document.analysis is not None else None

    async def check(self, document: OpenDocument, *, again: bool = False) -> None:
        """Analyse a text unless that is done, and publish what is wrong with it."""
        async with document.lock:
            if again:
                document.checked = -1
            while document.checked != document.version and document.uri in self.documents:
                version, text = document.version, document.text
                async with self.checking:
                    analysis = await asyncio.to_thread(analyse, text, document.path, document.format)
                if analysis.is_good:
                    document.last_good = analysis
                else:
                    analysis.last_good = document.last_good
                if analysis.is_read:
                    document.known = analysis.faults
                else:
                    analysis.keep_known(document.known)
                document.analysis, document.checked = analysis, version
                if document.uri in self.documents:
                    self.publish(document, analysis)

    def schedule(self, document: OpenDocument) -> None:
        """Check a text and those that include it, once typing pauses."""
        if document.pending is not None:
            document.pending.cancel()
        document.pending = asyncio.create_task(self._later(document))

    async def _later(self, document: OpenDocument) -> None:
        await asyncio.sleep(DEBOUNCE_SECONDS)
        if document.is_spec:
            await self.check(document)
        await self.check_users(document.path)

    async def check_users(self, path: str) -> None:
        """Check again the texts that include a file."""
        for other in list(self.documents.values()):
            if other.path != path and other.analysis is not None and _reads(other.analysis, path):
                await self.check(other, again=True)
                if self.can("workspace", "inlay_hint", "refresh_support"):
                    self.workspace_inlay_hint_refresh(None)

    def users(self, document: OpenDocument) -> list[Analysis]:
        """The analyses in which a text may take part, its own first."""
        own = [document.analysis] if document.analysis is not None else []
        others = [d.analysis for d in self.documents.values() if d is not document and d.analysis is not None]
        return [*own, *(analysis for analysis in others if _reads(analysis, document.path))]

    # diagnostics -------------------------------------------------------------------------------

    def publish(self, document: OpenDocument, analysis: Analysis) -> None:
        """Send the diagnostics of a text, and of the files it includes to those."""
        by_target: dict[str, list[types.Diagnostic]] = {document.uri: []}
        keeps = selection_of_project(os.path.dirname(document.path)).keeps
        for diagnostic in analysis.diagnostics:
            if keeps(diagnostic):
                target = self.uri_for(diagnostic.span.path, document)
                converted = self.converted(diagnostic, document, analysis)
                by_target.setdefault(target, []).append(converted)
        stale = {target for target, by_root in self.published.items() if document.uri in by_root}
        for target in stale - set(by_target):
            self.published[target].pop(document.uri)
            self._send(target)
        for target, found in by_target.items():
            self.published.setdefault(target, {})[document.uri] = found
            self._send(target)

    def converted(self, diagnostic: Any, document: OpenDocument, analysis: Analysis) -> types.Diagnostic:
        """A diagnostic in the protocol's terms."""

        def place(path: str) -> tuple[str, Positions]:
            source = analysis.sources.get(path, analysis.source)
            return self.uri_for(path, document), Positions(source, self.encoding)

        return convert.diagnostic(diagnostic, place)

    def uri_for(self, path: str, document: OpenDocument) -> str:
        """The address of a file, as the editor calls it where it is open."""
        if path == document.path:
            return document.uri
        real = os.path.realpath(path)
        for other in self.documents.values():
            if os.path.realpath(other.path) == real:
                return other.uri
        return uri_of(path)

    def _send(self, uri: str) -> None:
        by_root = self.published.get(uri, {})
        unique: dict[tuple[Any, ...], types.Diagnostic] = {}
        for found in by_root.values():
            for diagnostic in found:
                start = diagnostic.range.start
                unique.setdefault((diagnostic.code, start.line, start.character, diagnostic.message), diagnostic)
        document = self.documents.get(uri)
        version = document.checked if document is not None and document.checked >= 0 else None
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=list(unique.values()), version=version)
        )
        if not by_root:
            self.published.pop(uri, None)


def _reads(analysis: Analysis, path: str) -> bool:
    """Whether an analysis has read a file besides its own."""
    real = os.path.realpath(path)
    return any(os.path.realpath(read) == real for read in analysis.sources if read != analysis.source.path)


def create_server() -> Server:
    """The server with all its features."""
    server = Server()
    _follow_documents(server)
    answer_questions(server)
    return server


def _follow_documents(server: Server) -> None:
    @server.feature(types.SHUTDOWN)
    def shutdown(params: None) -> None:
        server.said_goodbye = True

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        if server.can("workspace", "did_change_watched_files", "dynamic_registration"):
            watchers = [types.FileSystemWatcher(f"**/*{ending}") for ending in (*SPEC_ENDINGS, "pyproject.toml")]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            await server.client_register_capability_async(
                types.RegistrationParams([types.Registration("specgraph-files", method, options)])
            )

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = server.open(params.text_document)
        if document.is_spec:
            await server.check(document)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = server.documents.get(params.text_document.uri)
        if document is not None and params.content_changes:
            server.changed(document, params.content_changes[-1].text, params.text_document.version)
            server.schedule(document)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        document = server.documents.get(params.text_document.uri)
        if document is not None:
            await server.check_users(document.path)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        await server.close(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        paths = [path for change in params.changes if (path := path_of(change.uri)) is not None]
        everything = any(path.endswith("pyproject.toml") for path in paths)
        for document in list(server.documents.values()):
            analysis = document.analysis
            if analysis is not None and (everything or any(_reads(analysis, path) for path in paths)):
                await server.check(document, again=True)
            elif analysis is not None and not analysis.is_good:
                await server.check(document, again=True)  # an include may have appeared


def _leave(signum: int, frame: FrameType | None) -> None:
    """Leave at once: there is nothing to save, and the thread that reads would be waited for."""
    os._exit(128 + signum)


def serve() -> int:
    """Serve over standard input and output until the editor says goodbye; returns the exit code: 1
    where it left without asking for a shutdown. What the program itself prints goes to standard error,
    so that it cannot disturb the protocol."""
    server = create_server()
    printed_to = sys.stdout
    incoming, outgoing = os.fdopen(os.dup(sys.stdin.fileno()), "rb"), os.fdopen(os.dup(printed_to.fileno()), "wb")
    sys.stdout = sys.stderr
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        with overlaid(server.overlay):
            server.start_io(incoming, outgoing)
    finally:
        sys.stdout = printed_to
    return 0 if server.said_goodbye else 1
