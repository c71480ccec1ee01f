"""Random stories with faults, sudden deaths and changes of mind: at the end the vendors' books and ours agree.

``make simulate SEEDS=2000`` plays many more, faster, in a database in memory; here some are played on the tests' own
database, and some over real HTTP.
"""

from __future__ import annotations

import re

import pytest

from integrations import http
from integrations.calls import collect_calls
from integrations.errors import VendorError
from integrations.sandbox.faults import KINDS, Fault
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

from .clockwork import simulated_time
from .story import play
from .wire import Wire
from .world import lay_foundations


def told(story, problems):
    return "\n".join([f"seed {story.seed}", *story.log, *problems])


@pytest.mark.parametrize("seed", range(1, 9))
def test_whatever_happens_every_effect_happens_once_and_nothing_is_lost(transactional_db, seed):
    lay_foundations()
    story, problems = play(seed)
    assert not problems, told(story, problems)


@pytest.mark.parametrize("seed", [11, 12, 14])
def test_a_story_is_the_same_over_real_http(transactional_db, seed):
    lay_foundations()
    story, problems = play(seed, over_http=True, instant=True)
    assert not problems, told(story, problems)
    from django.core.management import call_command

    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    lay_foundations()
    in_process, problems = play(seed, instant=True)
    assert not problems, told(in_process, problems)
    assert without_ids(story.log) == without_ids(in_process.log)


def without_ids(log):
    """Two runs on one database have other primary keys."""
    without_lists = [re.sub(r"\[\d+(, \d+)*\]", "[]", line) for line in log]
    return [re.sub(r"(stock:[^:]+):\d+:", r"\1::", line) for line in without_lists]


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "partial_apply"])
def test_a_fault_means_the_same_on_the_wire_and_in_process(db, kind, writes):
    assert _what_we_hear(kind, writes, port=0) == _what_we_hear(kind, writes, port=None)


def _what_we_hear(kind, writes, *, port):
    """The error and its code, or the status and body, of a call that meets a fault; and what the call log says."""
    with Sandbox(SandboxOptions(enforce_limits=False), port) as box, simulated_time() as clock:
        wire = Wire(box, clock)
        box.faults.add(Fault("dsco", "*", kind, seconds=0.6, retry_after=3))
        with http.carried_by(wire, "http://nowhere" if port == 0 else box.url), collect_calls() as calls:
            door = http.HttpDoor("dsco", box.dsco_url)
            try:
                reply = door.send(
                    "hello", "POST" if writes else "GET", "/hello", writes=writes, body=b"[]", read_timeout=0.3
                )
                heard = (reply.status, reply.content, reply.headers.get("Retry-After"))
            except VendorError as error:
                heard = (type(error).__name__, error.code)
        (call,) = calls
        return heard, call.status, call.error, call.response_excerpt
