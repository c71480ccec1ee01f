"""The examples of the guide work: each curl command of docs/api.md is carried out, against seeded orders."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from orders.models import Order
from tests.admin.seed import seed
from tests.staff.packages.world import make_order

from .conftest import caller_for

pytestmark = pytest.mark.django_db
GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "api.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return [block.replace("\\\n", " ") for block in blocks if block.startswith("curl")]


def test_every_example_of_the_guide_succeeds() -> None:
    seed(12)
    shipped = make_order().order.dsco_order_id
    order = Order.objects.exclude(dsco_order_id=shipped).order_by("pk")[0].dsco_order_id
    caller = caller_for(User.objects.create_superuser("boss"))
    assert len(commands()) >= 12
    for number, command in enumerate(commands()):
        said = command
        for name, value in {
            "$OB": "/api/v1", "$TOKEN": caller.secret, "$ORDER": order, "$SHIPPED": shipped, "$(key)": f"key-{number}",
        }.items():  # fmt: skip
            said = said.replace(name, value)
        answer = carry_out(caller.client, shlex.split(said))
        assert answer.status_code in (200, 202), (command, answer.content)


def carry_out(client: Any, words: list[str]) -> Any:
    """Send what curl would send: -s, -X METHOD, -H HEADER and -d CONTENT are all that the guide uses."""
    method, headers, content, address = "GET", {}, "", ""
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-s":
                continue
            case "-X":
                method = next(rest)
            case "-H":
                name, _colon, value = next(rest).partition(":")
                headers[name] = value.strip()
            case "-d":
                content = next(rest)
            case _:
                address = word
    return client.generic(method, address, content, content_type="application/json", headers=headers)
