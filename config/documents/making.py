"""Which documents are made, whole or between two marks, and which of them are out of date."""

from __future__ import annotations

from pathlib import Path

from django.utils import translation

from config.settings import BASE_DIR

from .causes import causes_page
from .configuration import configuration_page
from .states import transitions_table

DOCS = Path(BASE_DIR) / "docs"
TRANSITIONS_BEGIN, TRANSITIONS_END = "<!-- transitions -->\n", "<!-- /transitions -->"


def fresh_documents() -> dict[Path, str]:
    """Return every document that is made, as it should be now, by its path."""
    architecture = DOCS / "architecture.md"
    made = {architecture: _between(architecture.read_text(encoding="utf-8"), transitions_table())}
    with translation.override("en"):
        made[DOCS / "configuration.md"] = configuration_page(Path(BASE_DIR) / ".env.example")
        made[DOCS / "causes.md"] = causes_page("en")
    with translation.override("zh-hans"):
        made[DOCS / "causes.zh.md"] = causes_page("zh-hans")
    return made


def stale_documents() -> list[Path]:
    """Return the documents that do not say what the program does."""
    return [
        path
        for path, text in fresh_documents().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def _between(text: str, table: str) -> str:
    """Put the table between its two marks. Raises ValueError when a mark is missing."""
    start, end = text.index(TRANSITIONS_BEGIN) + len(TRANSITIONS_BEGIN), text.index(TRANSITIONS_END)
    return text[:start] + table + text[end:]
