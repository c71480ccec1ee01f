"""Reading settings from the environment: every value is checked, every complaint names its variable."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
LONGEST_NUMBER = 10


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as the settings ask for it: the documents and the doctor are made from these.

    takes: what may stand in it, in words; default: None where it is required, "" where it may be left out.
    """

    name: str
    takes: str
    default: str | None


class Environment:
    """Typed access to the environment (and ``.env``). Problems are collected and raised together, on one line.

    ``variables``: every variable that was asked for so far, in this order. ``dotenv``: the file that was read, or "".
    """

    def __init__(self, dotenv: str) -> None:
        self._env = environ.Env()
        self._problems: list[str] = []
        self.variables: list[Variable] = []
        self.dotenv = dotenv if dotenv and Path(dotenv).is_file() else ""
        if self.dotenv:
            self._read(self.dotenv)
        elif dotenv and os.environ.get("ORDERBRIDGE_ENV_FILE"):
            self._problems.append(f"ORDERBRIDGE_ENV_FILE names {dotenv}, and there is no such file")

    def _read(self, dotenv: str) -> None:
        try:
            Path(dotenv).read_text(encoding="utf-8")  # read_env passes over a file that it may not read
            self._env.read_env(dotenv)
        except UnicodeDecodeError:
            self._problems.append(f"{dotenv} cannot be read: it must be text in UTF-8")
        except OSError as error:
            self._problems.append(f"{dotenv} cannot be read: {error.strerror}")

    def text(self, name: str, default: str | None = None, *, choices: tuple[str, ...] = ()) -> str:
        """Return a text; ``default=None`` makes it required."""
        self._note(name, f"one of {', '.join(choices)}" if choices else "text", default)
        return self._text(name, default, choices)

    def _text(self, name: str, default: str | None, choices: tuple[str, ...] = ()) -> str:
        value = os.environ.get(name, "").strip()
        if not value:
            if default is None:
                self._problems.append(f"{name} is missing")
            return default or ""
        if choices and value not in choices:
            self._problems.append(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a yes/no setting; anything but the usual words is a mistake."""
        self._note(name, "true or false", str(default).lower())
        value = os.environ.get(name, "").strip().lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        if value:
            self._problems.append(f"{name} must be true or false, not {value!r}")
        return default

    def number(self, name: str, default: float, *, minimum: float = 0, maximum: float) -> float:
        """Return a number within its bounds."""
        self._note(name, "number" + _bounds(minimum, maximum), f"{default:g}")
        return self._number(name, default, float, minimum, maximum)

    def whole(self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
        """Return a whole number within its bounds."""
        self._note(name, "whole number" + _bounds(minimum, maximum), str(default))
        return self._number(name, default, int, minimum, maximum)

    def optional_number(self, name: str, *, minimum: float, maximum: float) -> float | None:
        """Return a number, or None when the variable is not set."""
        self._note(name, "number" + _bounds(minimum, maximum), "")
        if not os.environ.get(name, "").strip():
            return None
        return self._number(name, minimum, float, minimum, maximum)

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Return a comma-separated list."""
        self._note(name, "list, separated by commas", ",".join(default))
        return self._words(name, default)

    def _words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        value = os.environ.get(name, "").strip()
        return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)

    def origins(self, name: str) -> list[str]:
        """Return a comma-separated list of http(s) addresses without a path."""
        self._note(name, "http or https addresses, separated by commas", "")
        found = self._words(name)
        for word in found:
            scheme, host = _parts(word)
            if scheme not in ("http", "https") or not host:
                self._problems.append(f"{name} must be addresses such as https://orders.example.com, not {word!r}")
        return found

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        """Return a comma-separated list of addresses and networks (10.0.0.0/8)."""
        self._note(name, "addresses and networks (10.0.0.0/8), separated by commas", "")
        found = []
        for word in self._words(name):
            try:
                found.append(ip_network(word, strict=False))
            except ValueError:
                self._problems.append(f"{name} must be addresses or networks such as 10.0.0.0/8, not {word!r}")
        return found

    def whole_numbers(self, name: str, default: tuple[int, ...]) -> list[int]:
        """Return a comma-separated list of whole numbers."""
        self._note(name, "whole numbers, separated by commas", ",".join(map(str, default)))
        numbers = []
        for word in self._words(name):
            if not (word.isascii() and word.isdecimal() and len(word) < LONGEST_NUMBER):
                self._problems.append(f"{name} must be whole numbers separated by commas, not {word!r}")
                return list(default)
            numbers.append(int(word))
        return numbers or list(default)

    def url(self, name: str, default: str) -> str:
        """Return an http(s) address without a trailing slash; with an empty default it may be left out."""
        self._note(name, "http or https address", default)
        return self._url(name, default)

    def _url(self, name: str, default: str) -> str:
        value = self._text(name, default).rstrip("/")
        if not value and not default:
            return ""
        scheme, host = _parts(value)
        if scheme not in ("http", "https") or not host:
            shown = "" if "@" in value else f", not {value!r}"  # a password may stand before the @
            self._problems.append(f"{name} must be an http or https address{shown}")
        return value

    def link(self, name: str) -> str:
        """Return an http(s) address with ``{id}`` in it, or "" when the variable is not set."""
        self._note(name, "http or https address with {id} in it", "")
        value = self._url(name, "")
        if value and "{id}" not in value:
            self._problems.append(f"{name} must contain {{id}}, where the order's number goes")
        return value

    def time_zone(self, name: str, default: str) -> str:
        """Return the name of an IANA time zone."""
        self._note(name, "time zone (IANA name)", default)
        value = self._text(name, default)
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            self._problems.append(f"{name} must be a time zone such as Asia/Shanghai, not {value!r}")
            return default
        return value

    def database(self, name: str, default: str) -> dict[str, object]:
        """Return Django's settings of the database that the URL names (sqlite or postgres)."""
        self._note(name, "sqlite:/// or postgres:// URL", default)
        try:
            parsed = _quietly(self._env.db_url_config, self._text(name, default))
        except (ValueError, KeyError, ImproperlyConfigured):
            parsed = {}
        if not str(parsed.get("ENGINE", "")).endswith(("sqlite3", "postgresql")):
            self._problems.append(f"{name} must be a sqlite:/// or postgres:// URL")
        return parsed

    def email(self, name: str) -> dict[str, object]:
        """Return Django's mail settings of a URL such as smtp+tls://user:password@host:587; unset prints mails."""
        self._note(name, "mail URL", "")
        try:
            parsed = _quietly(self._env.email_url_config, self._text(name, "consolemail://"))
        except (ValueError, KeyError, ImproperlyConfigured):
            parsed = {}
        if not parsed.get("EMAIL_BACKEND"):
            self._problems.append(f"{name} must be a mail URL such as smtp+tls://user:password@host:587")
        return parsed

    def redis(self, name: str) -> str:
        """Return the address of a Redis server, or "" when the variable is not set."""
        self._note(name, "redis:// or rediss:// URL", "")
        value = self._text(name, "")
        scheme, host = _parts(value)
        if value and (scheme not in ("redis", "rediss") or not host):
            self._problems.append(f"{name} must be a URL such as redis://127.0.0.1:6379/0")
        return value

    def stop_on_problems(self) -> None:
        """Raise ImproperlyConfigured with every problem found, on one line."""
        if self._problems:
            raise ImproperlyConfigured("Settings: " + "; ".join(self._problems))

    def _note(self, name: str, takes: str, default: str | None) -> None:
        self.variables.append(Variable(name, takes, default))

    def _number(self, name: str, default: T, convert: Callable[[str], T], minimum: float, maximum: float | None) -> T:
        text = os.environ.get(name, "").strip()
        if not text:
            return default
        try:
            value = convert(text)
            if not math.isfinite(value):  # type: ignore[arg-type]
                raise ValueError
        except ValueError:
            kind = "a whole number" if convert is int else "a number"
            self._problems.append(f"{name} must be {kind}, not {text!r}")
            return default
        if not minimum <= value or (maximum is not None and value > maximum):  # type: ignore[operator]
            upper = f" and at most {maximum:g}" if maximum is not None else ""
            self._problems.append(f"{name} must be at least {minimum:g}{upper}, not {text}")
            return default
        return value


def _parts(address: str) -> tuple[str, str]:
    """Return scheme and host of an address, both "" when it cannot be read."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises where it is no number
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""


def _bounds(minimum: float, maximum: float | None) -> str:
    return f", at least {minimum:g}" + (f" and at most {maximum:g}" if maximum is not None else "")


def _quietly(read: Callable[[str], Mapping[str, object]], url: str) -> dict[str, object]:
    """Read a URL without django-environ's warning: it would show the password that stands in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(read(url))
