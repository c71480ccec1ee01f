"""kill -9 of a cluster's idle processes: the others go on, and the cluster still stops when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from integrations.models import FlowRun
from tests.torture.clusters import children

from .journeys import ROOT, command_environment

pytestmark = pytest.mark.xdist_group("processes")


def wait_for(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert condition()


def kill(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def cluster(world):
    environment = command_environment(world, WORKERS="2", FLOW_INTERVAL_SECONDS="1")
    command = [sys.executable, str(ROOT / "manage.py"), "qcluster"]
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, text=True, start_new_session=True, stderr=subprocess.PIPE
    )
    try:
        wait_for(lambda: FlowRun.objects.exclude(finished_at=None).count() >= 8)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_cluster_goes_on_after_its_idle_workers_were_killed_and_still_stops(cluster):
    [guard] = children(cluster.pid)
    for _time in range(3):
        kill(children(guard))
        before = FlowRun.objects.count()
        wait_for(lambda before=before: FlowRun.objects.exclude(finished_at=None).count() > before + 4)
    told_at = time.monotonic()
    cluster.send_signal(signal.SIGTERM)
    _output, errors = cluster.communicate(timeout=30)
    assert cluster.returncode == 0, errors
    assert time.monotonic() - told_at < 20


def test_a_cluster_without_its_guard_ends_with_a_message_so_that_it_is_started_again(cluster):
    kill(children(cluster.pid))
    _output, errors = cluster.communicate(timeout=20)  # nobody holds its standard error any more
    assert cluster.returncode == 1
    assert "start the workers again" in errors
