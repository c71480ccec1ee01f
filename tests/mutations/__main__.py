"""``make mutations``: break the product in a scratch copy, one promise at a time, and see whether a test notices."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .catalogue import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_SECONDS = 600


def main() -> int:
    """Apply each mutation, print a table; return 1 when one was not noticed or does not apply."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", help="mutations whose name or file contains this")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    options = parser.parse_args()
    chosen = [one for one in MUTATIONS if options.only in one.name or options.only in one.path]
    if options.list:
        print("\n".join(f"{one.path}: {one.name}" for one in chosen))
        return 0
    survived = []
    with tempfile.TemporaryDirectory(prefix="orderbridge-mutations-") as directory:
        copy = Path(directory)
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
        for name in filter(None, files.stdout.split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        for mutation in chosen:
            verdict, seconds = judge(mutation, copy)
            if verdict != "noticed":
                survived.append(mutation.name)
            print(f"{verdict:<12} {seconds:5.0f} s  {mutation.name}  [{mutation.noticed_by}]", flush=True)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutations were noticed.")
    return 1 if survived else 0


def judge(mutation: Mutation, copy: Path) -> tuple[str, float]:
    """Return "noticed", "SURVIVED" or "UNFIT" (the text is not there), and how long it took."""
    path, started = copy / mutation.path, time.monotonic()
    original = path.read_text()
    if not fits(mutation, original):
        return "UNFIT", 0.0
    path.write_text(original.replace(mutation.before, mutation.after))
    try:
        noticed = not all(passes(proof, copy) for proof in proofs(mutation.noticed_by))
    finally:
        path.write_text(original)
    return "noticed" if noticed else "SURVIVED", time.monotonic() - started


def fits(mutation: Mutation, text: str) -> bool:
    """Return whether the mutation's text stands in the file as often as it should."""
    found = text.count(mutation.before)
    return found >= 1 if mutation.everywhere else found == 1


def proofs(text: str) -> list[list[str]]:
    """Return the commands that must fail; "simulation FIRST SEEDS" may stand behind pytest's targets."""
    tests, _word, seeds = text.partition("simulation")
    commands = []
    if targets := tests.split():
        commands.append(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", *targets])
    if seeds:
        first, number = seeds.split()
        commands.append(["-m", "tests.simulation", "--first", first, "--seeds", number, "--jobs", "1", "--fail-fast"])
    return commands


def passes(command: list[str], copy: Path) -> bool:
    """Run the proof in the copy; what takes too long has not noticed anything."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    simulated = "tests.simulation" in command
    environment["DJANGO_SETTINGS_MODULE"] = "tests.simulation.settings" if simulated else "tests.settings"
    environment.pop("ORDERBRIDGE_TEST_DIRECTORY", None)
    try:
        done = subprocess.run(
            [sys.executable, *command], cwd=copy, env=environment, capture_output=True, timeout=LONGEST_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
