"""Fails when a text of ours has no Simplified Chinese, or when the compiled catalogue is older than its source.

Nor may a Chinese character touch a Latin letter or figure: between them stands a blank. What is filled into a sentence
is not looked at, the style sheet makes room there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"
HAN = "\u4e00-\u9fff"
TOUCHING = re.compile(f"[{HAN}][A-Za-z0-9]|[A-Za-z0-9][{HAN}]")
# Marked, not removed: what stands on either side of it does not touch. Tags take no room.
FILLED_IN, TAGS = re.compile(r"%(?:\(\w+\))?[sd]|\{\w*\}"), re.compile("<[^>]+>")
PACKAGES = ("config", "integrations", "inventory", "orders", "templates")


def main() -> int:
    """Compare a freshly collected catalogue with the committed one."""
    before = CATALOGUE.read_bytes()
    compiled_before = CATALOGUE.with_suffix(".mo").read_bytes()
    try:
        run(
            "makemessages",
            "-l",
            "zh_Hans",
            "--no-wrap",
            "--no-location",
            "-i",
            ".venv/*",
            "-i",
            "tests/*",
            "-i",
            "var/*",
        )
        statistics = subprocess.run(
            ["msgfmt", "--statistics", "-o", "/dev/null", str(CATALOGUE)], capture_output=True, text=True, check=True
        ).stderr
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "django.mo"
            subprocess.run(["msgfmt", "-o", str(fresh), str(CATALOGUE)], check=True)
            stale = fresh.read_bytes() != compiled_before
    finally:
        CATALOGUE.write_bytes(before)
    tight = [text for text in chinese_texts(CATALOGUE) if TOUCHING.search(TAGS.sub("", FILLED_IN.sub("\x1a", text)))]
    for text in tight:
        print(f"A blank is missing between Chinese and Latin letters: {text}")
    problems = re.findall(r"\d+ (?:untranslated|fuzzy)", statistics)
    if problems:
        print(f"Simplified Chinese is not complete: {', '.join(problems)}. Run make messages and translate.")
    if stale and not problems:
        print("The compiled catalogue is not that of the texts: run make messages.")
    return 1 if problems or stale or tight else 0


def chinese_texts(catalogue: Path) -> list[str]:
    """Return every translation of a catalogue, each on one line."""
    options = ["--no-wrap", "--no-obsolete", "-o", "-", str(catalogue)]
    lines = subprocess.run(["msgattrib", *options], capture_output=True, text=True, check=True).stdout.splitlines()
    texts: list[str] = []
    translating = False
    for line in lines:
        keyword, quote, rest = line.partition('"')
        if keyword:
            translating = keyword.startswith("msgstr")
        if translating and quote:
            text = rest.removesuffix('"')
            texts = [*texts, text] if keyword else [*texts[:-1], texts[-1] + text]
    return texts


def run(*arguments: str) -> None:
    """Run a manage.py command with the tests' settings."""
    python = shutil.which("python", path=str(ROOT / ".venv/bin")) or sys.executable
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "/usr/bin:/bin"}
    subprocess.run([python, "manage.py", *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
