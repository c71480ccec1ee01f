#!/usr/bin/env python
"""OrderBridge's commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config.demo_environment import demo_environment


def main() -> None:
    """Run a command; a wrong setting ends it with one line and exit code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["demo"]:
        os.environ.update(demo_environment())
    try:
        __import__(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
