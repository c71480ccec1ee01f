"""What the documents say is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.utils import translation

from config.documents.configuration import COMPUTED, read_examples
from config.settings import env
from integrations.lingxing.gateway import SINGLE_FILE_TIMEOUT_SECONDS
from integrations.models import AlertKind

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


def test_the_runbook_has_a_section_for_every_alert_of_the_monitoring():
    rules = yaml.safe_load((ROOT / "docs/monitoring/alerts.yml").read_text())
    names = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    text = (ROOT / "docs/runbook.md").read_text()
    assert names
    assert {name for name in names if f"### {name}\n" not in text} == set()


def test_the_runbook_has_a_line_for_every_alert_of_our_own():
    text = (ROOT / "docs/runbook.md").read_text()
    with translation.override("en"):
        assert {str(kind.label) for kind in AlertKind if f"| {kind.label} |" not in text} == set()


def test_both_operators_guides_have_the_same_tasks_and_pictures():
    english, chinese = (ROOT / f"docs/operators-guide{end}.md" for end in ("", ".zh"))
    pictures = [re.findall(r"screenshots/([a-z-]+)-(?:en|zh)\.png", guide.read_text()) for guide in (english, chinese)]
    assert pictures[0] == pictures[1] != []
    assert len(re.findall(r"^## ", english.read_text(), re.M)) == len(re.findall(r"^## ", chinese.read_text(), re.M))


def test_the_chinese_guide_calls_every_button_and_page_as_the_program_does():
    source = (ROOT / "locale/zh_Hans/LC_MESSAGES/django.po").read_text()
    found = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', source, re.M)
    labels = {"".join(re.findall(r'"(.*)"', one)).replace(" …", "…") for one in found}
    named = re.findall("“([^”…]+…?)”", (ROOT / "docs/operators-guide.zh.md").read_text())
    parts = {part.strip() for quoted in named for part in quoted.split("›")} - {"?"}
    assert len(parts) > 30
    # “重试” stands for every button that begins with it, “处理后会自动继续” for the end of several sentences
    assert {part for part in parts if not any(part in label for label in labels)} == set()


def test_the_container_file_copies_what_exists_and_all_packages():
    lines = (ROOT / "deploy/Containerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", lines, re.MULTILINE) for name in line.split()}
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {"config", "integrations", "inventory", "orders", "templates", "static", "locale", "manage.py"} <= copied


def test_the_compose_file_starts_web_workers_database_and_optionally_redis():
    services = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]
    assert set(services) == {"database", "redis", "migrate", "web", "workers"}
    assert services["workers"]["command"] == ["python", "manage.py", "qcluster"]
    assert services["redis"]["profiles"] == ["redis"]


def test_the_units_signal_only_the_main_process_and_give_calls_time_to_end():
    workers = (ROOT / "deploy/systemd/orderbridge-workers.service").read_text()
    assert "KillMode=mixed" in workers
    seconds = re.search(r"TimeoutStopSec=(\d+)", workers)
    assert seconds
    assert int(seconds[1]) > SINGLE_FILE_TIMEOUT_SECONDS


def test_the_index_of_the_documents_leads_to_every_one():
    index = (ROOT / "docs/README.md").read_text()
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"({page.name})" not in index] == ["README.md"]


def test_the_readme_names_every_command_of_ours():
    ours = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    named = set(re.findall(r"manage\.py ([a-z]+)", (ROOT / "README.md").read_text()))
    measuring = {name for name in ours if name.startswith("bench")}  # these have their targets in the Makefile
    assert ours - named - measuring == set()
    assert [name for name in measuring if f") {name}" not in (ROOT / "Makefile").read_text()] == []


def test_every_command_that_the_documents_name_exists():
    text = "\n".join(page.read_text() for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    named = set(re.findall(r"manage\.py ([a-z]+)", text)) - {"demo"}
    assert named <= set(get_commands()) | {"demo"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets


def commands_of(text: str) -> list[list[str]]:
    """Return the words of every `manage.py NAME …` in a document; what is left to the reader (…) becomes one word."""
    fence = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
    blocks = "\n".join(fence.findall(text)).replace("\\\n", " ")
    quoted = [" ".join(words.split()) for words in re.findall(r"`([^`]*manage\.py [^`]*)`", fence.sub("", text))]
    lines = [line for line in [*quoted, *blocks.splitlines()] if "[" not in line and "|" not in line]
    found = [re.split(r"&&|#|;", line.rpartition("manage.py ")[2])[0] for line in lines if "manage.py " in line]
    return [shlex.split(one.replace("…", "x")) for one in found if re.match(r"[a-z]", one) and "--help" not in one]


def test_every_command_of_the_documents_is_typed_as_the_command_takes_it():
    apps = get_commands()
    checked = 0
    for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        for name, *arguments in commands_of(page.read_text()):
            command = load_command_class(apps[name], name)
            parser = command.create_parser("manage.py", name)
            try:
                asked = vars(parser.parse_args(arguments)) if arguments else {}
            except CommandError as refusal:
                raise AssertionError(f"{page.name}: {name} {arguments}: {refusal}") from None
            assert not asked.get("end") or asked["reason"], f"{page.name}: vendorstop --end wants a reason, too"
            checked += bool(arguments)
    assert checked > 15


def test_every_test_that_the_claims_of_security_name_exists():
    table = (ROOT / "docs/security.md").read_text().partition("<!-- claims -->")[2].partition("\n\n")[0]
    rows = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`([^`]+)`", row[-1])
        assert named, row
        for one in named:
            file, _colons, name = one.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text() if name else (ROOT / file).exists(), one
