"""``make simulate SEEDS=2000 FIRST=1 JOBS=2``: play many seeds, say how fast, print each that fails with its story."""

import os
import sys

from .runner import main

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simulation.settings")
    sys.exit(main())
