"""Sentences of ours that are kept: written once, told to every reader in the reader's language.

A ``Sentence`` is English text, whatever language the process speaks, so that logs, JSON, searches and comparisons see
plain text. It remembers the message and the parameters that it was made of: ``told`` says it in the active language
and time zone, and in HTML it says itself so. What a vendor or a person said is a plain text, alone or as a parameter,
and is never translated.

Code whose texts are kept imports ``gettext``, ``ngettext`` and ``pgettext`` from here, not from Django: makemessages
collects them all the same. Models keep sentences in a ``SentenceField``, JSON keeps them by ``packed``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Self

import structlog
from django.db import models
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString

from .particulars import normalise

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

# Between the text and what it was made of, in one column. It never occurs in either.
MARK = "\x1f"
# A message as JSON: m(essage), c(ontext), p(lural), n(umber), a(rguments by name), v(alues by position), f(ormat: {}
# instead of %); or the j(oined) parts of several and what stands b(etween); or another sentence w(ithout) particulars.
# Parameters that are no JSON: t(ime), d(ay), or a recipe.
Recipe = dict[str, Any]
# Marks of Chinese that bring their own room.
_WIDE_ENDS = ("。", "，", "；", "：", "！", "？", "）")
log = structlog.get_logger(__name__)


class Sentence(str):
    """An English text that knows what it was made of. ``sentence % parameters`` is a sentence, too."""

    __slots__ = ("_recipe",)
    _recipe: Recipe | str

    def __new__(cls, text: str, recipe: Recipe | str) -> Self:
        """Make a sentence of its text and its recipe, or the recipe's JSON ("" where the text is the message)."""
        sentence = super().__new__(cls, text)
        sentence._recipe = recipe
        return sentence

    @classmethod
    def of(cls, recipe: Recipe) -> Self:
        """Make a sentence of its recipe."""
        return cls(_English().say(recipe).replace(MARK, " "), recipe)

    @property
    def recipe(self) -> Recipe:
        """What it was made of."""
        if isinstance(self._recipe, str):
            self._recipe = json.loads(self._recipe) if self._recipe else {"m": plain(self)}
        return self._recipe

    def __mod__(self, parameters: Any) -> Sentence:
        """Fill the message's ``%(name)s`` or ``%s`` with texts, numbers, times, lists, labels or other sentences."""
        if isinstance(parameters, Mapping):
            return Sentence.of({**self.recipe, "a": {name: _kept(value) for name, value in parameters.items()}})
        values = parameters if isinstance(parameters, tuple) else (parameters,)
        return Sentence.of({**self.recipe, "v": [_kept(value) for value in values]})

    def format(self, *values: Any, **named: Any) -> Sentence:
        """Fill the message's ``{}`` and ``{name}`` in the same way."""
        kept = {"f": 1, "v": [_kept(value) for value in values], "a": {key: _kept(it) for key, it in named.items()}}
        return Sentence.of({**self.recipe, **kept})

    def __str__(self) -> str:
        return self  # as SafeString does: ``str(error)`` keeps what it was made of

    def __html__(self) -> SafeString:
        """Return what a reader sees on a page."""
        return escape(told(self))

    def __getnewargs__(self) -> tuple[Any, ...]:  # a copy needs both
        return plain(self), self._recipe


def gettext(message: str) -> Sentence:
    """Mark a message for translation and keep it as a sentence."""
    return Sentence(message, {"m": message})


def pgettext(context: str, message: str) -> Sentence:
    """Keep a message that means something else in another context."""
    return Sentence(message, {"m": message, "c": context})


def ngettext(singular: str, plural: str, number: int) -> Sentence:
    """Keep a message about a number of things."""
    return Sentence(singular if number == 1 else plural, {"m": singular, "p": plural, "n": number})


def joined(parts: Iterable[str], by: str = " ") -> str:
    """Return several sentences (or a vendor's words among them) as one; empty ones are left out."""
    said = [part for part in parts if part]
    if len(said) < 2:
        return said[0] if said else ""
    ours = any(isinstance(part, Sentence) for part in said)
    return Sentence.of({"j": [_kept(part) for part in said], "b": by}) if ours else by.join(said)


def listed(names: Iterable[Any]) -> str:
    """Return names (of flows, roles, states) on one line as the active language lists them. Nothing that is kept."""
    return translation.pgettext("between the names of a list", ", ").join(map(str, names))


def titled(name: Any, what: Any) -> str:
    """Return what is said under a name ("Stage: Received") as the active language writes it. Nothing that is kept."""
    return translation.gettext("%(name)s: %(what)s") % {"name": name, "what": what}


def from_label(label: str | Promise) -> str:
    """Return a lazy label, such as that of a state, as a sentence."""
    if not isinstance(label, Promise):
        return label
    with translation.override("en"):
        return gettext(str(label))


def without_particulars(text: str) -> str:
    """Return a text without numbers, ids and quoted values, the same for every order it is about."""
    if isinstance(text, Sentence):
        return Sentence(normalise(plain(text)), {"w": text.recipe})
    return normalise(text)


def with_words(text: str, change: Callable[[str], str]) -> str:
    """Return a text after ``change`` (that hides secrets, say) was done to all words in it that are not ours."""
    return Sentence.of(_changed(text.recipe, change)) if isinstance(text, Sentence) else change(text)


def told(text: str) -> str:
    """Return a text in the active language and time zone; one that is no sentence of ours comes back as it is."""
    if not isinstance(text, Sentence):
        return text
    try:
        return _Reader().say(text.recipe)
    except (KeyError, TypeError, ValueError):  # a translation with another placeholder: a reader still sees something
        log.exception("sentence_not_told", text=plain(text))
        return plain(text)


def plain(text: str) -> str:
    """Return the text alone."""
    return str.__str__(text)


def packed(text: str | Promise) -> str:
    """Return a text as it is stored: the English, and behind a mark what it was made of."""
    text = from_label(text)
    if not isinstance(text, Sentence):
        return text.replace(MARK, " ") if MARK in text else text
    recipe = text._recipe
    if not isinstance(recipe, str):
        short = recipe == {"m": plain(text)}
        recipe = "" if short else json.dumps(recipe, ensure_ascii=False, separators=(",", ":"))
    return f"{plain(text)}{MARK}{recipe}"


def unpacked(stored: str) -> str:
    """Return a stored text as it was before ``packed``."""
    text, mark, recipe = stored.partition(MARK)
    return Sentence(text, recipe) if mark else stored


class SentenceField(_TextField):
    """A text of ours or of a vendor; sentences keep what they were made of, in the same column."""

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> str | None:
        """Return what was stored."""
        return unpacked(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Return what was stored, also from a dump."""
        return unpacked(value) if isinstance(value, str) and not isinstance(value, Sentence) else value

    def get_prep_value(self, value: Any) -> Any:
        """Return what is to be stored."""
        return packed(value) if isinstance(value, str | Promise) else value

    def value_to_string(self, obj: models.Model) -> str:
        """Return what a dump keeps."""
        return packed(str(self.value_from_object(obj)))


class SentencesField(models.JSONField):
    """A list of texts, each as in a ``SentenceField``."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return what was stored."""
        found = super().from_db_value(value, expression, connection)
        return [unpacked(item) if isinstance(item, str) else item for item in found or []]

    def get_prep_value(self, value: Any) -> Any:
        """Return what is to be stored."""
        value = super().get_prep_value(value)
        return [packed(item) if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def _kept(value: Any) -> Any:
    """Return a parameter as JSON."""
    if isinstance(value, Sentence):
        return value.recipe
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Promise):
        return _kept(from_label(value))
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, Iterable):
        return {"j": [_kept(item) for item in value], "b": ", "}
    return str(value)


def _changed(kept: Any, change: Callable[[str], str]) -> Any:
    """Return a kept value with its words changed, but not our messages."""
    if isinstance(kept, str):
        return change(kept)
    if isinstance(kept, list):
        return [_changed(item, change) for item in kept]
    if not isinstance(kept, dict):
        return kept
    inner = {name: _changed(kept[name], change) for name in ("j", "v", "w") if name in kept}
    if "a" in kept:
        inner["a"] = {name: _changed(value, change) for name, value in kept["a"].items()}
    return {**kept, **inner}


class _English:
    """How sentences are stored."""

    def say(self, recipe: Recipe) -> str:
        """Return the text of a recipe."""
        if "w" in recipe:
            return normalise(self.say(recipe["w"]))
        if "j" in recipe:
            return self.join([str(self.shown(part)) for part in recipe["j"]], str(recipe["b"]))
        message = self.message(recipe)
        named = {key: self.shown(value) for key, value in recipe.get("a", {}).items()}
        values = tuple(self.shown(value) for value in recipe.get("v", ()))
        if "f" in recipe:
            return message.format(*values, **named)
        return message % (named or values) if named or values else message

    def shown(self, value: Any) -> Any:
        """Return an argument as it stands in the text."""
        if not isinstance(value, dict):
            return "" if value is None else value
        if "t" in value:
            return self.time(datetime.fromisoformat(value["t"]))
        return value["d"] if "d" in value else self.say(value)

    def join(self, parts: list[str], by: str) -> str:
        """Return parts as one text."""
        return by.join(parts)

    def message(self, recipe: Recipe) -> str:
        """Return the message, still with its placeholders."""
        return str(recipe["p"] if "p" in recipe and recipe["n"] != 1 else recipe["m"])

    def time(self, moment: datetime) -> str:
        """Return a time to the minute."""
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


class _Reader(_English):
    """How sentences are told: in the active language and time zone."""

    def join(self, parts: list[str], by: str) -> str:
        """Return parts as one text; beside a full-width mark stands no blank."""
        text = ""
        for part in parts:
            close = by == " " and (text.endswith(_WIDE_ENDS) or part.startswith("（"))
            text += part if close or not text else by + part
        return text

    def message(self, recipe: Recipe) -> str:
        """Return the translated message."""
        message, context = recipe["m"], recipe.get("c")
        if "p" in recipe:
            return translation.ngettext(message, recipe["p"], recipe["n"])
        if context:
            return translation.pgettext(context, message)
        return translation.gettext(message) if message else ""

    def time(self, moment: datetime) -> str:
        """Return a time in the reader's zone."""
        return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
