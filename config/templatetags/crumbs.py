"""Where a page stands: called as the menu calls it, so that people find back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import Model
from django.urls import reverse

register = template.Library()

# What only pages have that are the list, or the form, of what the crumb before them names.
LIST, FORM = "cl", "adminform"


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step on the way to a page; without ``link`` it leads nowhere."""

    title: Any
    link: str = ""


@register.inclusion_tag("unfold/helpers/header_title.html", takes_context=True)
def crumbs(context: template.Context) -> dict[str, list[Crumb]]:
    """Return the way to the page: the menu's group and item, the record, and what is done with it."""
    way = _in_the_menu(context) or _beside_the_menu(context)
    record = next((one for name in ("original", "object") if isinstance(one := context.get(name), Model)), None)
    if record is not None:
        names = (record._meta.app_label, record._meta.model_name)
        way.append(Crumb(record, reverse("admin:{}_{}_change".format(*names), args=[record.pk])))
    if way and LIST not in context and not (record is not None and FORM in context):
        way.append(Crumb(context.get("title", "")))
    said: set[str] = set()
    return {"parts": [crumb for crumb in way or [Crumb(context.get("title", ""))] if _is_new(crumb, said)]}


def _in_the_menu(context: template.Context) -> list[Crumb]:
    """Return the group and the item of the menu that this page belongs to; a group called like its item is left out."""
    for group in context.get("sidebar_navigation") or ():
        for item in group["items"]:
            if item.get("active"):
                title = str(group["title"])
                item_crumb = Crumb(item["title"], str(item["link"]))
                return [Crumb(title), item_crumb] if title and title != str(item["title"]) else [item_crumb]
    return []


def _beside_the_menu(context: template.Context) -> list[Crumb]:
    """Return the name of the rows of a list that the menu does not hold."""
    opts = context.get("opts")
    return [Crumb(opts.verbose_name_plural)] if opts is not None else []


def _is_new(crumb: Crumb, said: set[str]) -> bool:
    """Return whether the way has not been called that yet (a page of the menu has the title of its item)."""
    title = str(crumb.title).strip().casefold()
    new = bool(title) and title not in said
    said.add(title)
    return new
