"""What the documents say is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from django.core.management import call_command

from config.documents.configuration import COMPUTED, read_examples
from config.settings import env

ROOT = Path(__file__).resolve().parents[2]
# These show an example in place of the usual value.
OWN_EXAMPLE = {"EMAIL_FROM", "DJANGO_ALLOWED_HOSTS"}


def test_documents_that_are_made_from_the_program_are_up_to_date():
    call_command("documents", "--check")


def test_every_setting_is_explained_and_its_usual_value_is_the_programs():
    explained = {
        example.name: example for example in read_examples((ROOT / ".env.example").read_text(encoding="utf-8"))
    }
    for variable in env.variables:
        example = explained[variable.name]
        assert example.words, f"{variable.name} has no comment of its own"
        if variable.default and variable.name not in COMPUTED and variable.name not in OWN_EXAMPLE:
            assert example.value == variable.default, variable.name


def test_every_place_that_the_architecture_names_exists():
    text = (ROOT / "docs/architecture.md").read_text()
    places = {name for name in re.findall(r"`([\w./]+)`", text) if "/" in name and not name.startswith("http")}
    assert places
    assert [name for name in places if not (ROOT / name).exists()] == []


def test_every_link_leads_somewhere():
    answer = subprocess.run([sys.executable, ".ci/links.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
