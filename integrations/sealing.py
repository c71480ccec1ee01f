"""Secrets at rest: texts that stand in the database encrypted, so that a copy of it opens nothing.

The key comes from DATABASE_SEAL_KEY (DJANGO_SECRET_KEY where that is not set). After a change of the key the old one
goes to DATABASE_SEAL_KEYS_FORMER until ``manage.py reseal`` has written everything anew.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.db import connections, models, transaction
from django.db.models.lookups import Exact

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
    _Exact = Exact[Any]
else:
    _TextField, _Exact = models.TextField, Exact

MARK = "sealed:1:"
CHUNK = 500

log = structlog.get_logger(__name__)


def seal(text: str) -> str:
    """Return a text encrypted and authenticated; an empty one stays empty."""
    return MARK + _box().encrypt(text.encode()).decode() if text else ""


def unseal(stored: str) -> str:
    """Return what ``seal`` was given.

    A text without our mark is from before there were seals and comes back as it is. One that no key opens comes back
    empty, with a word in the log: the token is then fetched again, the webhook's address must be entered again.
    """
    if not stored.startswith(MARK):
        return stored
    try:
        return _box().decrypt(stored.removeprefix(MARK).encode()).decode()
    except InvalidToken:
        log.error("sealed_text_does_not_open", hint="DATABASE_SEAL_KEY is not the key that it was sealed with")
        return ""


class SealedField(_TextField):
    """A text that only the program can read. It can be compared with the empty text and with nothing else."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: BaseDatabaseWrapper) -> str | None:
        """Open the seal."""
        return None if value is None else unseal(value)

    def get_prep_value(self, value: Any) -> Any:
        """Seal what goes to the database."""
        prepared = super().get_prep_value(value)
        return seal(prepared) if isinstance(prepared, str) else prepared


@SealedField.register_lookup
class _IsEmpty(_Exact):
    """Every seal of the same text is another one: a search for a text would find nothing, so it is a mistake."""

    def get_prep_lookup(self) -> Any:
        if self.rhs != "":
            raise TypeError("A sealed field can only be compared with the empty text.")
        return self.rhs


def sealed_fields() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Yield every model with sealed columns, and these."""
    for model in apps.get_models():
        columns = [str(field.column) for field in model._meta.concrete_fields if isinstance(field, SealedField)]
        if columns:
            yield model, columns


def number_unopened() -> int:
    """Return how many sealed texts of the database no key opens: what they held must be entered or fetched anew."""
    unopened = 0
    for model, columns in sealed_fields():
        connection = connections["default"]
        names = ", ".join(connection.ops.quote_name(column) for column in columns)
        with connection.cursor() as cursor:
            # Names of our own tables and columns.
            cursor.execute(f"SELECT {names} FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            for row in cursor.fetchall():
                unopened += sum(bool(text) and text.startswith(MARK) and not unseal(text) for text in row)
    return unopened


def reseal(
    model: type[models.Model], columns: list[str], using: str = "default", write: Callable[[str], str] = seal
) -> int:
    """Write these columns of a table anew with today's key, also what was never sealed. Returns rows changed.

    What no key opens is left as it is. write: how it is written, sealed unless told otherwise.
    """
    connection = connections[using]
    quote = connection.ops.quote_name
    table, key = quote(model._meta.db_table), quote(str(model._meta.pk and model._meta.pk.column))
    names = ", ".join(quote(column) for column in columns)
    after: Any = None
    changed = 0
    while True:
        with transaction.atomic(using=using), connection.cursor() as cursor:
            # Names of our own tables and columns; values are parameters.
            where = f"WHERE {key} > %s" if after is not None else ""
            sql = f"SELECT {key}, {names} FROM {table} {where} ORDER BY {key} LIMIT {CHUNK}"  # noqa: S608
            cursor.execute(sql, [after] if after is not None else [])
            rows = cursor.fetchall()
            for pk, *stored in rows:
                # A text that no key opens is empty now: it must not be written over with nothing.
                opened = [unseal(text or "") for text in stored]
                fresh = [write(text) if text else was for text, was in zip(opened, stored, strict=True)]
                if fresh != stored:
                    # What somebody has written meanwhile is sealed already.
                    assignments = ", ".join(f"{quote(column)} = %s" for column in columns)
                    same = " AND ".join(f"{quote(column)} = %s" for column in columns)
                    sql = f"UPDATE {table} SET {assignments} WHERE {key} = %s AND {same}"  # noqa: S608
                    cursor.execute(sql, [*fresh, pk, *stored])
                    changed += cursor.rowcount
        if not rows:
            return changed
        after = rows[-1][0]


def _box() -> MultiFernet:
    former = tuple(getattr(settings, "DATABASE_SEAL_KEYS_FORMER", ()))
    return _box_of((settings.DATABASE_SEAL_KEY or settings.SECRET_KEY, *former))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """Return a key of the right length that can't be led back to the setting."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"orderbridge: sealed columns")
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
