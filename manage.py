#!/usr/bin/env python
"""OrderBridge's commands."""

import gc
import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError

from config.demo_environment import demo_environment


def main() -> None:
    """Run a command; a wrong setting ends it with one line and exit code 2, a database that fails with exit code 1."""
    gc.disable()  # all that is loaded stays: looking for garbage in it takes a fifth of the time that starting takes
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["demo"]:
        os.environ.update(demo_environment())
    try:
        __import__(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    try:
        django.setup()
        gc.freeze()
        gc.enable()
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:  # who read the output has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except DatabaseError as problem:
        from config.database_words import explained  # noqa: PLC0415 - it needs the settings

        words = None if "--traceback" in sys.argv else explained(problem)
        if words is None:
            raise
        print(words, file=sys.stderr)  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
