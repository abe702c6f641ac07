"""What editors ask: hover, hints, completion, definitions, references, renaming, outline, code actions."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from specgraph.language_server.actions import Actions
from specgraph.language_server.completion import complete
from specgraph.language_server.entities import definition_of, entity_at
from specgraph.language_server.hints import shape_hints
from specgraph.language_server.hover import Hover
from specgraph.language_server.positions import Positions
from specgraph.language_server.references import named_at, occurrences
from specgraph.language_server.reveal import COMMAND, node_at, reveal
from specgraph.language_server.symbols import document_symbols
from specgraph.open_pages import pages_of
from specgraph.reporting.selection import selection_of_project
from specgraph.source.tree import Source

if TYPE_CHECKING:
    from specgraph.language_server.server import Server

TRIGGERS = [" ", "$", ".", "[", "{", ",", '"', "("]


def answer_questions(server: Server) -> None:
    """Register what editors may ask."""
    _show(server)
    _offer(server)
    _follow_names(server)
    _reveal(server)


def _show(server: Server) -> None:
    """What stands in a text and what it means."""

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(params: types.HoverParams) -> types.Hover | None:
        found = await server.current(params.text_document.uri)
        if found is None:
            return None
        document, analysis = found
        positions = Positions(analysis.source, server.encoding)
        answer = Hover(analysis, server.users(document)).at(*positions.place(params.position))
        if answer is None:
            return None
        text, tree = answer
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.Hover(content, positions.range(tree) if tree is not None else None)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT, types.InlayHintOptions(resolve_provider=False))
    async def inlay_hint(params: types.InlayHintParams) -> list[types.InlayHint] | None:
        found = await server.current(params.text_document.uri)
        if found is None:
            return None
        document, analysis = found
        positions = Positions(analysis.source, server.encoding)
        first, last = params.range.start.line + 1, params.range.end.line + 1
        hints = shape_hints(server.users(document), analysis.source.path, analysis.tree, first, last)
        return [
            types.InlayHint(positions.position(line, column), label, padding_left=True, tooltip=tooltip or None)
            for line, column, label, tooltip in hints
        ]

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: types.DefinitionParams) -> types.Location | None:
        found = await server.current(params.text_document.uri)
        if found is None:
            return None
        document, analysis = found
        line, column = Positions(analysis.source, server.encoding).place(params.position)
        _, entity = entity_at(analysis.file, line, column)
        target = definition_of(entity) if entity is not None else None
        if entity is None or entity.file is None or target is None:
            return None
        path, tree = target
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        positions = Positions(entity.file.source, server.encoding)
        return types.Location(server.uri_for(path, document), positions.range(tree) if tree is not None else start)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def document_symbol(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        found = await server.current(params.text_document.uri)
        if found is None:
            return None
        analysis = found[1]
        return document_symbols(analysis.tree, Positions(analysis.source, server.encoding))


def _offer(server: Server) -> None:
    """What may be written."""

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    def completion(params: types.CompletionParams) -> types.CompletionList | None:
        document = server.documents.get(params.text_document.uri)
        if document is None or not (document.is_spec or _may_become_spec(document.text)):
            return None
        source = Source(document.path, document.text.removeprefix("\ufeff"), document.format)
        line, column = Positions(source, server.encoding).place(params.position)
        items = complete(
            source,
            os.path.dirname(document.path),
            line,
            column,
            encoding=server.encoding,
            snippets=server.can("text_document", "completion", "completion_item", "snippet_support"),
            analysis=document.analysis,
        )
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]),
    )
    async def code_action(params: types.CodeActionParams) -> list[types.CodeAction] | None:
        found = await server.current(params.text_document.uri)
        if found is None:
            return None
        document, analysis = found
        keeps = selection_of_project(os.path.dirname(document.path)).keeps
        actions = Actions(
            analysis, document.uri, server.encoding, keeps, lambda d: server.converted(d, document, analysis)
        )
        only = [str(getattr(kind, "value", kind)) for kind in params.context.only] if params.context.only else None
        async with server.checking:
            offered = await asyncio.to_thread(actions.at, params.range, only)
        shown = await asyncio.to_thread(pages_of, document.path)
        if only is None and shown:
            where = params.range.start
            arguments = [document.uri, where.line, where.character]
            title = "Show this node in the page of specgraph view"
            offered.append(types.CodeAction(title, command=types.Command(title, COMMAND, arguments=arguments)))
        return offered


def _follow_names(server: Server) -> None:
    """Where else a name stands."""

    async def named_ranges(uri: str, position: types.Position) -> tuple[str, list[types.Range]]:
        """The name at a position and everywhere it is used in that text, the definition first."""
        found = await server.current(uri)
        if found is None:
            return "", []
        analysis = found[1]
        positions = Positions(analysis.source, server.encoding)
        target = named_at(analysis.file, *positions.place(position))
        if target is None:
            return "", []
        places = dict.fromkeys(occurrences(analysis.file, target))
        ranges = [types.Range(positions.position(n, a), positions.position(n, b)) for n, a, b in places]
        return target.name, ranges

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location] | None:
        _, ranges = await named_ranges(params.text_document.uri, params.position)
        if not params.context.include_declaration:
            ranges = ranges[1:]
        return [types.Location(params.text_document.uri, place) for place in ranges] or None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight] | None:
        _, ranges = await named_ranges(params.text_document.uri, params.position)
        return [types.DocumentHighlight(place) for place in ranges] or None

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare_rename(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        name, ranges = await named_ranges(params.text_document.uri, params.position)
        touched = [place for place in ranges if _contains(place, params.position)]
        return types.PrepareRenamePlaceholder(touched[0], name) if touched else None

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        uri, name = params.text_document.uri, params.new_name
        found = await server.current(uri)
        if found is None:
            return None
        analysis = found[1]
        target = named_at(analysis.file, *Positions(analysis.source, server.encoding).place(params.position))
        if target is not None and not target.may_be_called(name):
            raise JsonRpcInvalidParams(f"`{name}` is no name for a {target.what}")
        _, ranges = await named_ranges(uri, params.position)
        edits = [types.TextEdit(place, name) for place in ranges]
        return types.WorkspaceEdit(changes={uri: edits}) if edits else None


def _reveal(server: Server) -> None:
    """The way from the editor to the page."""

    @server.command(COMMAND)
    async def reveal_command(uri: str, line: int, character: int) -> dict[str, object]:
        """Show the node at a position (from 0) in the open pages of its file: the node's path, and how many pages."""
        found = await server.current(uri)
        if found is None:
            return {"node": None, "pages": 0}
        document, analysis = found
        place = Positions(analysis.source, server.encoding).place(types.Position(line, character))
        node = node_at(server.users(document), document.path, analysis.tree, *place)
        pages = 0 if node is None else await asyncio.to_thread(reveal, document.path, node)
        if node is not None and not pages:
            text = f"no page shows this file: specgraph view {os.path.basename(document.path)}"
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
        return {"node": node, "pages": pages}


def _contains(place: types.Range, position: types.Position) -> bool:
    start, end = place.start, place.end
    return start.line == position.line and start.character <= position.character <= end.character


def _may_become_spec(text: str) -> bool:
    """Whether a text is so short that it may still become a spec."""
    return len(text.strip()) < 12 and "\n" not in text.strip()
