"""Playing many seeds: in several processes, with figures, and the story of each that fails."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

Played = tuple[int, list[str], list[str], float, "Counter[str]"]
HASH_SEED = "0"  # the order of sets belongs to the story


def main() -> int:
    """Play the seeds; return 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--fail-fast", action="store_true", help="end with the first seed that fails")
    parser.add_argument("--story", action="store_true", help="print the story of every seed")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        os.environ["PYTHONHASHSEED"] = HASH_SEED
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])
    seeds = range(options.first, options.first + options.seeds)
    started, failed, cpu = time.monotonic(), [], 0.0
    happened: Counter[str] = Counter()
    for number, (seed, log, problems, seconds, things) in enumerate(_played(seeds, options.jobs), start=1):
        cpu += seconds
        happened.update(things)
        if number % 100 == 0:
            print(f"{number} seeds, {len(failed)} failed, {cpu:.0f} s of processor time", flush=True)
        if problems:
            failed.append(seed)
        if problems or options.story:
            print("\n".join([f"seed {seed}", *log, *(f"  PROBLEM: {one}" for one in problems)]))
        if problems:
            print(f"  replay: make simulate SEEDS=1 FIRST={seed} JOBS=1\n", flush=True)
            if options.fail_fast:
                return 1
    taken = time.monotonic() - started
    print(
        f"{len(seeds) - len(failed)} of {len(seeds)} seeds passed in {taken:.0f} s, {60 * len(seeds) / taken:.0f} a"
        f" minute with {options.jobs} processes; {60 * len(seeds) / max(cpu, 0.001):.0f} in a minute of one core."
    )
    print("What happened: " + ", ".join(f"{what} {times}" for what, times in sorted(happened.items())))
    if failed:
        print(f"failed: {', '.join(map(str, failed))}")
    return 1 if failed else 0


def _played(seeds: range, jobs: int) -> Iterator[Played]:
    if jobs == 1:
        prepare()
        yield from map(play_one, seeds)
        return
    # Not a pool: that would start a worker anew for ever when it cannot begin.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=prepare) as pool:
        yield from (done.result() for done in as_completed(pool.submit(play_one, seed) for seed in seeds))


def prepare() -> None:
    """Make this process's own database, with the foundations laid."""
    import django

    django.setup()
    from . import database

    database.build()
    gc.collect()
    gc.freeze()
    gc.disable()  # a seed makes little that refers to itself; see play_one


def play_one(seed: int) -> Played:
    """Play a seed; return it with story, problems, the seconds of processor time it took, and what happened."""
    from . import database
    from .story import play

    before = time.process_time()
    if seed % 20 == 0:
        gc.collect()
    database.clear()
    story, problems = play(seed)
    return seed, story.log, problems, time.process_time() - before, story.happened
