"""``python -m tests.simulation.day_out --vendor dsco --orders 150000``: a day without a vendor, at full size."""

from __future__ import annotations

import argparse
import gc
import os
import resource
import sys
import time


def main() -> int:
    """Tell one day; return 1 when something was not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.day_out", description=__doc__)
    parser.add_argument("--vendor", choices=("dsco", "lingxing"), default="dsco")
    parser.add_argument("--way", choices=("cut", "error_before", "timeout_before"), default="cut")
    parser.add_argument("--orders", type=int, default=150_000)
    parser.add_argument("--steps", type=int, default=288, help="how often the timer ticks while it is out")
    parser.add_argument("--story", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.simulation.settings")
    from .runner import prepare

    prepare()
    gc.enable()  # a day at full size would fill the memory
    from .day_without import tell

    started = time.perf_counter()
    story, problems = tell(vendor=options.vendor, way=options.way, orders=options.orders, steps=options.steps)
    if options.story or problems:
        print("\n".join(story.log[-200:]))
    print("\n".join(f"PROBLEM: {one}" for one in problems[:50]))
    for name, number in story.figures.items():
        print(f"{name}: {number:.0f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{options.orders} orders, {options.vendor} out: {time.perf_counter() - started:.0f} s of real time,"
        f" {time.process_time():.0f} s of processor time, {memory} MB"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
