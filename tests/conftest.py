"""Fixtures shared by all tests: the sandbox behind real HTTP, a clock that moves for both sides, mappings."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import hypothesis
import pytest
import time_machine
from django.core.cache import cache
from django.utils import translation

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

pytest_plugins = ["tests.chromium", "tests.database"]

# A machine that is busy with something else is no failure of a property.
hypothesis.settings.register_profile("orderbridge", deadline=None)
hypothesis.settings.load_profile("orderbridge")


# About how many seconds the longest tests take: the parallel run begins with what takes long, so that no core waits at
# the end for another. Those that wait for processes or for a browser stand in one group each and take ``WAITING``.
LONG = {
    "test_a_day_without_a_vendor_drains_by_itself": 16,
    "test_every_page_keeps_its_number_of_queries_however_many_rows": 16,
    "test_a_member_of_the_staff_without_rights_reaches_nothing_of_the_business": 12,
    "test_a_whole_run_leaves_no_secret_anywhere_and_no_person_in_the_logs": 10,
    "test_pages_tell_each_reader_in_his_language": 8,
    "test_memory_does_not_grow_with_the_number_of_pages": 6,
    "test_orders_and_shipments_get_where_they_belong_in_time": 6,
    "test_a_death_at_any_moment_of_a_flow_loses_and_doubles_nothing": 5,
    "test_a_role_opens_adds_changes_and_deletes_what_its_rights_say_and_nothing_else": 5,
}
WAITING, USUAL = 8, 0.2
# Fixtures that fill the database for all tests of a class (``tests.staff.people.kept``).
MADE_FOR_A_CLASS = {"seeded", "everything", "furnished", "many"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--database-only``: leave out what cannot differ between databases; CI runs that once, on SQLite."""
    parser.addoption("--database-only", action="store_true", help="leave out tests that no database can change")


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist hand out the groups in the order of ``_longest_first``, not by how many tests they have."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Carry out ``--database-only``, and give tests that share rows to one worker, which makes them once."""
    for item in items:
        if MADE_FOR_A_CLASS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("[")[0].rpartition("::")[0]))
    if config.getoption("--database-only"):
        left_out = [item for item in items if not _depends_on_the_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    if hasattr(config, "workerinput"):  # one of several workers
        _longest_first(items)


def _longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests by how long their group takes; what takes equally long keeps its random order."""
    groups = {item: _group(item) for item in items}
    seconds: dict[str, float] = {}
    for item, group in groups.items():
        usual = WAITING if group in ("processes", "browser") else USUAL
        seconds[group] = seconds.get(group, 0) + LONG.get(item.name.partition("[")[0], usual)
    items.sort(key=lambda item: -seconds[groups[item]])


def _group(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else item.nodeid


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _depends_on_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("any_database"):
        return False
    needs = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or needs & {"db", "transactional_db", "live_server"})


@pytest.fixture(scope="session", autouse=True)
def pages() -> None:
    """Have every page registered, as in a process that serves them: commands start without."""
    import_module("config.urls")


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """Figures that pages keep for some seconds must not pass from one test to the next."""
    cache.clear()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Every test begins in English, whatever language the pages of the one before it were asked in."""
    with translation.override("en"):
        yield


class MovableClock:
    """Moves the time of our side and of the sandbox (same process) together."""

    def __init__(self, traveller: time_machine.Coordinates) -> None:
        self._traveller = traveller

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._traveller.shift(timedelta(seconds=seconds))


@pytest.fixture
def clock() -> Iterator[MovableClock]:
    """A clock that runs on and can be advanced."""
    with time_machine.travel(time.time(), tick=True) as traveller:
        yield MovableClock(traveller)


@pytest.fixture
def sandbox(settings: Any, transactional_db: None, clock: MovableClock) -> Iterator[Sandbox]:
    """Both vendors' stand-ins on a free port; settings point to them; delays are short; limits are lifted.

    Orders become visible to a pull 10 seconds after they were added or changed: ``clock.advance(15)``.
    """
    with Sandbox(SandboxOptions(enforce_limits=False, async_seconds=0.05)) as box:
        for name, value in box.environment().items():
            setattr(settings, name, int(value) if name == "LINGXING_PLATFORM_CODE" else value)
        settings.RETRY_BACKOFF_SCALE = 0.001
        settings.VERIFY_DELAY_SECONDS = 0.05
        settings.HTTP_TIMEOUT_SECONDS = 1.0
        settings.RATE_LIMIT_SCALE = 1000.0
        settings.SETTLE_SECONDS = 1.0
        yield box


STORE = "110000000000000001"
WAREHOUSES = {"EAST": "50", "WEST": "51"}
LOGISTICS_TYPES = {"FEHD": "825", "FECG": "826"}


@pytest.fixture
def world(sandbox: Sandbox) -> Sandbox:
    """A sandbox whose stores, warehouses, products and shipping methods exist in LingXing and are mapped on our side.

    DSCO's SKU ``HP-LAMP-01`` is ERP SKU ``LX-HP-LAMP-01``, with 100 available in each warehouse.
    """
    from integrations.sandbox.dsco.invented import PRODUCTS, RETAILERS
    from inventory.models import SkuMapping, WarehouseMapping
    from orders.models import ShippingMapping, Store, StoreMapping

    lingxing = sandbox.lingxing
    lingxing.add_store(STORE)
    store = Store.objects.create(store_id=STORE, name="DSCO store")
    for retailer_id in RETAILERS:
        StoreMapping.objects.create(retailer_id=retailer_id, store=store)
    for code, wid in WAREHOUSES.items():
        sandbox.dsco.add_warehouse(code)
        lingxing.add_warehouse(wid, 1)
        WarehouseMapping.objects.create(dsco_code=code, wid=wid)
        for level, type_id in LOGISTICS_TYPES.items():
            ShippingMapping.objects.create(warehouse_code=code, service_level=level, logistics_type_id=type_id)
    for type_id in LOGISTICS_TYPES.values():
        lingxing.add_logistics_type(type_id)
    for sku in PRODUCTS:
        sandbox.dsco.add_item(sku, warehouses=list(WAREHOUSES))
        lingxing.add_product(f"LX-{sku}", available=dict.fromkeys(WAREHOUSES.values(), 100))
        SkuMapping.objects.create(dsco_sku=sku, erp_sku=f"LX-{sku}")
    return sandbox
