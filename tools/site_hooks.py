"""mkdocs hooks: files outside docs/ that pages need join the site, and links across the border keep working.

The pages of the repository's root join as pages, files that a page links to (specs, for example) as they are. In the
site both stand as if docs/ were the root of the repository.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ROOT_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
LINK = re.compile(r"(?<=\]\()(?P<path>[\w./-]+)(?=[)#])")


def source_of(page: str) -> Path:
    """The file that a page of the site is made from."""
    return (ROOT if page in ROOT_PAGES else DOCS) / page


def place_in_site(file: Path) -> str | None:
    """Where a file of the repository stands in the site; None for what is not in the repository."""
    for folder in (DOCS, ROOT):
        if file.is_relative_to(folder) and file.is_file():
            return file.relative_to(folder).as_posix()
    return None


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root, and every file outside docs/ that a page links to."""
    for name in ROOT_PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for page in [file.src_uri for file in files.documentation_pages()]:
        source = source_of(page)
        for link in LINK.finditer(source.read_text(encoding="utf-8")):
            file = Path(os.path.normpath(source.parent / link["path"]))
            place = place_in_site(file)
            if place and files.get_file_from_path(place) is None:
                files.append(File.generated(config, place, abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the places of their files in the site."""
    source = source_of(page.file.src_uri)
    folder = os.path.dirname(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        place = place_in_site(Path(os.path.normpath(source.parent / link["path"])))
        return link["path"] if place is None else Path(os.path.relpath(place, folder or ".")).as_posix()

    return LINK.sub(moved, markdown)
