# SPDX-License-Identifier: Apache-2.0
"""The content of the documentation site: all pages of the repository at their own paths, the files
that they link to, and for each folder of host/stapes a page of the API reference.

mkdocs.yml names this file as a hook. Every page keeps its path, so links work here and on the site.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "host" / "stapes"
PAGES = ("README.md", "*.md", "docs/**/*.md", "boards/*/README.md", "models/**/*.md")
API = "docs/api"
# `[text](target#part)`, but no address of another site.
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Replaces what mkdocs found in docs/; keeps what the theme brings."""
    kept = [file for file in files if file.src_dir != config.docs_dir]
    pages = sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})
    linked = sorted({target for page in pages for target in _linked(page)} - set(pages))
    ours = [_file(path, config) for path in [*pages, *linked]]
    return Files([*kept, *ours, *_api_pages(config)])


def _linked(page: Path) -> set[Path]:
    """The files, not the folders, that a page links to."""
    targets = {
        (page.parent / link).resolve() for link in _LINK.findall(page.read_text(encoding="utf-8"))
    }
    return {target for target in targets if target.is_file() and target.suffix != ".md"}


def _file(path: Path, config: MkDocsConfig) -> File:
    return File(
        path.relative_to(ROOT).as_posix(),
        str(ROOT),
        config.site_dir,
        config.use_directory_urls,
    )


def _api_pages(config: MkDocsConfig) -> list[File]:
    """An index, and for each folder of the package a page with all of its modules."""
    rooms = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
    pages = {room: _module_page(room) for room in rooms}
    listed = "\n".join(f"* [{_name(room)}]({_name(room)}.md)" for room in rooms)
    index = f"# Python API\n\nOne page for each folder of the package:\n\n{listed}\n"
    return [
        File.generated(config, f"{API}/index.md", content=index),
        *(
            File.generated(config, f"{API}/{_name(room)}.md", content=text)
            for room, text in pages.items()
        ),
    ]


def _module_page(room: Path) -> str:
    modules = sorted(path for path in room.glob("*.py") if path.stem[:2] != "__")
    entries = "\n".join(f"::: {_name(path.with_suffix(''))}\n" for path in modules)
    return f"# {_name(room)}\n\n{entries}"


def _name(path: Path) -> str:
    """host/stapes/device/engine -> stapes.device.engine"""
    return ".".join(path.relative_to(PACKAGE.parent).parts)
