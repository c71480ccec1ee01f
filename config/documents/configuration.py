"""The reference of all settings: types, bounds and defaults from the settings, words from ``.env.example``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.environment import Variable
from config.settings import env

# Defaults that depend on where and how the program runs; their words say on what.
COMPUTED = {
    "DATABASE_URL": "`orderbridge.sqlite3` beside `manage.py`",
    "DJANGO_HTTPS": "on as soon as DJANGO_ALLOWED_HOSTS names more than this machine",
    "LOG_FORMAT": "`console` on a terminal, else `json`",
}
UNITS = {
    "_SECONDS": "seconds",
    "_HOURS": "hours",
    "_DAYS": "days",
    "_PERCENT": "%",
    "_SCALE": "factor",
    "_PER_MINUTE": "per minute",
    "WORKERS": "processes",
    "HTTP_THREADS": "threads",
    "PUSH_BATCH_SIZE": "orders",
    "BATCH_FROM": "rows",
    "OUTAGE_AFTER_FAILURES": "calls",
}
HEAD = """# Settings

<!-- Made by `make documents` from config/settings.py and .env.example: edit those. -->

Every setting is an environment variable, or a line of `.env` beside `manage.py` (the environment wins). A missing or
malformed one stops every command with one line that names it; `manage.py doctor` says which ones don't fit together.
Retailer by retailer, more is decided by the retailer policies in the admin.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """What ``.env.example`` says of one variable."""

    name: str
    section: str
    words: str
    value: str


def configuration_page(example_file: Path) -> str:
    """Return the page. Raises KeyError for a variable that the example file leaves out."""
    variables = {variable.name: variable for variable in env.variables}
    examples = {example.name: example for example in read_examples(example_file.read_text(encoding="utf-8"))}
    missing = sorted(set(variables) - set(examples))
    if missing:
        raise KeyError(f".env.example does not explain: {', '.join(missing)}")
    lines, section = [HEAD.rstrip()], ""
    for example in examples.values():
        if example.name not in variables:
            continue
        if example.section != section:
            section = example.section
            lines += [
                "",
                f"## {section}",
                "",
                "| variable | takes | unit | default | meaning |",
                "|---|---|---|---|---|",
            ]
        lines.append(_row(variables[example.name], example))
    return "\n".join(lines) + "\n"


def read_examples(text: str) -> Iterator[Example]:
    """Yield every variable with its section and the comment above it; variables without a line between share one."""
    section, words, above = "", list[str](), False
    for line in text.splitlines():
        if heading := re.match(r"# --- (.*?) -+$", line):
            section, words, above = heading[1], [], False
        elif found := re.match(r"#?([A-Z][A-Z0-9_]*)=(.*)$", line):
            yield Example(found[1], section, " ".join(words), found[2])
            above = False
        elif line.startswith("# "):
            words = words if above else []
            words.append(line[2:].strip())
            above = True
        else:
            words, above = [], False


def unit_of(name: str) -> str:
    """Return the unit in which a variable counts, "" for one that counts nothing."""
    return next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")


def _row(variable: Variable, example: Example) -> str:
    if variable.default is None:
        default = "**required**"
    else:
        default = COMPUTED.get(variable.name) or (f"`{variable.default}`" if variable.default else "–")
    cells = (f"`{variable.name}`", variable.takes, unit_of(variable.name), default, example.words)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
