"""Numbers on the command line: out of their range they are bad use, told before anything is done."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

HIGHEST_PORT = 65535


def port_number(text: str) -> int:
    """Return a port; 0 stands for a free one."""
    number = whole_number(text)
    if number > HIGHEST_PORT:
        raise ArgumentTypeError(f"{text} is no port; ports end at {HIGHEST_PORT}")
    return number


def whole_number(text: str) -> int:
    """Return a number that counts something: 0, 1, 2 …"""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def at_least_one(text: str) -> int:
    """Return a number of things of which one is needed."""
    number = whole_number(text)
    if not number:
        raise ArgumentTypeError("at least 1 is needed")
    return number


def seconds(text: str) -> float:
    """Return a time that is not negative."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ArgumentTypeError(f"{text!r} is no number of seconds")
    return number
