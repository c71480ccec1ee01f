"""What the documents say is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from integrations.deliveries.states import TRANSITIONS, State

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_states_is_the_programs_own():
    table = (ROOT / "docs/architecture.md").read_text().partition("<!-- transitions -->")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", table, re.MULTILINE))
    del rows["from"]
    told = {State(name): set(re.findall(r"\w+", ways)) for name, ways in rows.items()}
    assert told == {state: {str(way) for way in ways} for state, ways in TRANSITIONS.items()}


def test_every_place_that_the_architecture_names_exists():
    text = (ROOT / "docs/architecture.md").read_text()
    places = {name for name in re.findall(r"`([\w./]+)`", text) if "/" in name and not name.startswith("http")}
    assert places
    assert [name for name in places if not (ROOT / name).exists()] == []


def test_every_link_leads_somewhere():
    answer = subprocess.run([sys.executable, ".ci/links.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
