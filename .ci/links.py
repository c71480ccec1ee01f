"""Fails when a link between the repository's documents, or to a heading in one, leads nowhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """Return the anchors that a Markdown reader gives to the headings."""
    heads = re.findall(r"^#+\s+(.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def main() -> int:
    """Look at every Markdown file of ours."""
    broken = []
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        name = document.relative_to(ROOT)
        for link in LINK.findall(re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            there = (document.parent / target).resolve() if target else document
            if not there.exists():
                broken.append(f"{name}: {link} does not exist")
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text()):
                broken.append(f"{name}: {link} names no heading")
    print("\n".join(broken) or "every link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
