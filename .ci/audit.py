"""Known vulnerabilities of what is installed, from PyPI's advisories (pip-audit).

Exit 1 when there is one, or when a package could not be looked up while others could. Where no advisory can be had
at all (a mirror without them, no network) it says SKIPPED, loudly, and exits 0: nothing was found out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

FILES = ("requirements.txt", "requirements-dev.txt")


def audited(file: str) -> tuple[list[dict[str, Any]], str]:
    """Return pip-audit's word on every package of a requirements file; none and the reason when it could not ask."""
    command = [
        sys.executable, "-m", "pip_audit", "-r", file, "--disable-pip", "--require-hashes", "--format", "json",
        "--progress-spinner", "off", "--timeout", "20",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["dependencies"], ""
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines()
        return [], lines[-1][:300] if lines else f"pip-audit ended with {done.returncode}"


def main() -> int:
    """Say what was found."""
    packages: dict[str, dict[str, Any]] = {}
    for file in FILES:
        found, problem = audited(file)
        if problem:
            print(f"SKIPPED: no vulnerability was looked up in {file}. {problem}")
            return 0
        packages |= {row["name"]: row for row in found}
    unknown = [row for row in packages.values() if "skip_reason" in row]
    if len(unknown) == len(packages):
        reason = unknown[0]["skip_reason"] if unknown else "no packages"
        print(f"SKIPPED: the package index has no advisories ({len(unknown)} packages not looked up). {reason}")
        return 0
    bad = [row for row in packages.values() if row.get("vulns")]
    for row in bad:
        for one in row["vulns"]:
            fixed = ", ".join(one.get("fix_versions", [])) or "no release yet"
            print(f"{row['name']} {row['version']}: {one['id']}, mended in {fixed}")
    for row in unknown:
        print(f"{row['name']}: {row['skip_reason']}")
    print(f"{len(packages)} packages looked up, {len(bad)} with known vulnerabilities, {len(unknown)} unknown")
    return 1 if bad or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
