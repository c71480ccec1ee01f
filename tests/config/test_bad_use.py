"""Bad use of a command: exit 2 with a sentence that names what is wrong, nothing started, nothing written."""

from __future__ import annotations

import socket
from argparse import ArgumentTypeError

import pytest
from django.core.management import CommandError, call_command

from config.management.commands.demo import only_one_demo
from integrations.management.arguments import at_least_one, port_number, seconds, whole_number


@pytest.mark.parametrize(
    "arguments",
    [
        ("sandbox", "--port", "99999"),
        ("sandbox", "--port=-1"),
        ("sandbox", "--port", "eighty"),
        ("sandbox", "--orders=-5"),
        ("sandbox", "--latency", "nan"),
        ("demo", "--port", "65536"),
        ("serve", "--web-workers", "0"),
        ("serve", "--threads=-1"),
        ("doctor", "--sample", "many"),
        ("purge", "--seconds", "nan"),
        ("bench", "--orders", "0"),
    ],
)
def test_a_number_out_of_its_range_is_refused_before_anything_is_started(arguments):
    with pytest.raises(CommandError, match=arguments[1].partition("=")[0]):
        call_command(*arguments)


def test_a_flow_that_belongs_to_no_order_says_so_in_place_of_doing_nothing():
    with pytest.raises(CommandError, match="leave --order out") as told:
        call_command("runflow", "sync_inventory", "--order", "9100000001")
    assert told.value.returncode == 2


@pytest.mark.parametrize("command", ["serve --bind 127.0.0.1:{}", "demo --port {}"])
def test_a_port_that_somebody_else_has_is_told_before_anything_is_started(command, tmp_path, monkeypatch):
    monkeypatch.setattr("config.management.commands.demo.DEMO_DIRECTORY", tmp_path)
    monkeypatch.setattr("config.supervisor.Supervisor.start", lambda *_arguments: pytest.fail("it was started"))
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port}: Address already in use") as told:
            call_command(*command.format(port).split())
    assert told.value.returncode == 2


@pytest.mark.parametrize("address", ["8000", "127.0.0.1:", "127.0.0.1:80000", ":8000", "127.0.0.1:http"])
def test_an_address_that_is_none_is_told_before_anything_is_started(address):
    with pytest.raises(CommandError, match="write HOST:PORT"):
        call_command("serve", "--bind", address)


def test_numbers_in_their_range_are_taken():
    assert (port_number("0"), port_number("65535"), whole_number("007"), at_least_one("1")) == (0, 65535, 7, 1)
    assert seconds("0.5") == 0.5
    with pytest.raises(ArgumentTypeError):
        whole_number("٣")


def test_the_sandbox_names_a_file_that_it_cannot_write(tmp_path):
    with pytest.raises(CommandError, match="cannot be written") as told:
        call_command("sandbox", "--port", "0", "--mappings", str(tmp_path / "nowhere" / "mappings.json"))
    assert told.value.returncode == 2


def test_the_demo_names_a_directory_that_it_cannot_write(tmp_path, monkeypatch):
    (tmp_path / "var").write_text("a file")
    monkeypatch.setattr("config.management.commands.demo.DEMO_DIRECTORY", tmp_path / "var")
    with pytest.raises(CommandError, match="cannot be written"), only_one_demo():
        pytest.fail("it went on")
