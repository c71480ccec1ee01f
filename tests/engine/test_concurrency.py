"""Several workers on one table: threads with connections of their own, on a real database."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from django_q.models import Schedule

from integrations.deliveries.engine import DeliveryPass
from integrations.deliveries.pool import CallPool
from integrations.flows.lease import give_lease_back, lease, take_lease
from integrations.flows.schedules import ensure_schedules
from integrations.models import Flow
from orders.models import Acknowledgement

from .vendor import MemoryKind, MemoryVendor, make_due

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(count, work):
    errors = []

    def run():
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _thread in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_workers_side_by_side_never_carry_out_a_delivery_twice():
    make_due(120)
    vendor = MemoryVendor()

    def work():
        with CallPool(4) as pool:
            DeliveryPass(MemoryKind(vendor, batch=3), pool).run()

    in_threads(4, work)
    assert len(vendor.effects) == 120
    assert set(vendor.effects.values()) == {1}
    assert set(Acknowledgement.objects.values_list("status", "attempts")) == {("succeeded", 1)}


def test_clusters_that_start_together_make_each_schedule_once_and_doubles_are_healed():
    in_threads(4, ensure_schedules)
    names = list(Schedule.objects.values_list("name", flat=True))
    assert len(names) == len(set(names)) > 8
    first = Schedule.objects.get(name="sweep")
    Schedule.objects.create(name="sweep", func=first.func)
    ensure_schedules()
    assert Schedule.objects.get(name="sweep").pk == first.pk


def test_only_one_of_many_gets_a_flows_lease():
    Flow.objects.create(name="pull_orders")
    leased = []
    in_threads(8, lambda: leased.append(take_lease("pull_orders")))
    held = [row.lease_token for row in leased if row]
    assert len(held) == 1
    assert take_lease("pull_orders") is None
    give_lease_back("pull_orders", held[0])
    assert take_lease("pull_orders")


def test_the_lease_of_a_process_that_died_is_taken_over_at_once():
    future = timezone.now() + timedelta(hours=1)
    Flow.objects.create(
        name="pull_orders", lease_token="x", lease_until=future, lease_holder=f"{socket.gethostname()}:999999999:1"
    )
    Flow.objects.create(name="push_orders", lease_token="x", lease_until=future, lease_holder="another-machine:1:1")
    assert take_lease("pull_orders")
    assert take_lease("push_orders") is None


def test_a_lease_that_ran_out_and_is_extended_while_it_is_being_taken_stays_where_it_is():
    now = timezone.now()
    past, future = now - timedelta(seconds=1), now + timedelta(minutes=1)
    Flow.objects.create(name="pull_orders", lease_token="x", lease_until=past, lease_holder="another-machine:1:1")
    as_read = Flow.objects.get(name="pull_orders")
    Flow.objects.filter(name="pull_orders").update(lease_until=future)
    assert lease(as_read) is None
    assert Flow.objects.get(name="pull_orders").lease_token == "x"
