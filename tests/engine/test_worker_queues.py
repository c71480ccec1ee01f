"""The queues of a cluster: whoever is killed while he waits for work takes nothing along."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from queue import Empty, Full
from typing import Any

import pytest

from integrations.worker_queues import KillSafeEvent, KillSafeQueue, KillSafeTimer

context = multiprocessing.get_context("fork")


def pass_on(work: Any, done: Any) -> None:
    for one in iter(work.get, "STOP"):
        done.put(one)


@pytest.fixture
def readers():
    started: list[Any] = []
    yield started
    for process in started:
        process.kill()
        process.join()


def start_reader(readers: list[Any], work: Any, done: Any) -> Any:
    process = context.Process(target=pass_on, args=(work, done), daemon=True)
    process.start()
    readers.append(process)
    return process


def test_a_reader_that_is_killed_while_it_waits_leaves_the_queue_to_the_others(readers):
    work, done = KillSafeQueue(maxsize=1), KillSafeQueue()
    waiting = [start_reader(readers, work, done) for _number in range(3)]
    work.put("first")
    assert done.get(timeout=10) == "first"
    time.sleep(0.3)  # all three wait
    for process in waiting:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    start_reader(readers, work, done)
    work.put("second")
    assert done.get(timeout=10) == "second"


def watch(event: Any) -> None:
    while True:
        event.is_set()


def test_one_who_is_killed_while_he_looks_whether_to_stop_keeps_nobody_from_being_told(readers):
    event = KillSafeEvent()
    for _number in range(5):
        process = context.Process(target=watch, args=(event,), daemon=True)
        process.start()
        readers.append(process)
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert not event.wait(0.05)
    told = context.Process(target=event.wait, args=(10,), daemon=True)
    told.start()
    readers.append(told)
    event.set()
    told.join(5)
    assert told.exitcode == 0
    assert event.is_set()


def test_each_thing_is_given_to_one_reader(readers):
    work, done = KillSafeQueue(), KillSafeQueue()
    workers = [start_reader(readers, work, done) for _number in range(4)]
    for number in range(200):
        work.put(number)
    for _process in workers:
        work.put("STOP")
    assert sorted(done.get(timeout=10) for _number in range(200)) == list(range(200))
    for process in workers:
        process.join(10)
        assert process.exitcode == 0


def test_a_writer_that_is_killed_leaves_the_queue_to_the_others(readers):
    work, done = KillSafeQueue(maxsize=1), KillSafeQueue()
    full = context.Process(target=lambda: [work.put("first"), work.put("lost")], daemon=True)
    full.start()
    readers.append(full)
    time.sleep(0.3)  # it waits for a place
    os.kill(full.pid, signal.SIGKILL)
    full.join()
    start_reader(readers, work, done)
    assert done.get(timeout=10) == "first"
    for number in range(3):
        work.put(number)
        assert done.get(timeout=10) == number


def test_a_worker_that_is_killed_while_it_sets_its_timer_does_not_stop_the_guard(readers):
    timer = KillSafeTimer("f", -1)
    worker = context.Process(target=lambda: [timer.get_lock().__enter__(), setattr(timer, "value", 5), time.sleep(60)])
    worker.start()
    readers.append(worker)
    wait_until = time.monotonic() + 10
    while timer.value != 5 and time.monotonic() < wait_until:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    with timer.get_lock():
        timer.value -= 0.5
    assert timer.value == 4.5


def test_a_large_result_passes_and_one_that_is_too_large_is_refused_aloud():
    results = KillSafeQueue()
    results.put("x" * 100_000)
    assert len(results.get(timeout=10)) == 100_000
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the kernel's words differ, its number is looked at
        results.put("x" * 50_000_000)
    assert refused.value.errno in (errno.EMSGSIZE, errno.ENOBUFS)
    assert results.empty()


def test_a_full_queue_that_is_read_slowly_takes_no_more_than_its_places():
    work = KillSafeQueue(maxsize=1)
    work.put("first")
    with pytest.raises(Full):
        work.put("second", True, 0.1)
    assert work.get(timeout=10) == "first"
    with pytest.raises(Empty):
        work.get(False)
    with pytest.raises(Empty):
        work.get(timeout=0.1)
