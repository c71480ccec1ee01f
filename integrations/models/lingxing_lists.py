"""LingXing's own lists as last read: what a mapping may point to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sentences import SentenceField


class ListName(models.TextChoices):
    STORES = "stores", _("Stores")
    WAREHOUSES = "warehouses", _("Warehouses")
    LOGISTICS_TYPES = "logistics_types", _("Shipping methods")
    PAIRS = "pairs", _("Pairs of store SKU and local SKU")


class LingXingList(models.Model):
    """When one of the lists was last read in full, and how the last try ended.

    ``complete`` is False when rows could not be read: then "it is not in the list" says nothing.
    """

    name = models.CharField(_("list"), max_length=20, choices=ListName.choices, unique=True)
    read_at = models.DateTimeField(_("last read"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last try"), null=True, blank=True)
    complete = models.BooleanField(_("complete"), default=True)
    error = SentenceField(_("error"), blank=True)

    class Meta:
        verbose_name = _("state of a LingXing list")
        verbose_name_plural = _("states of LingXing's lists")

    def __str__(self) -> str:
        return str(ListName(self.name).label)


class LingXingEntry(models.Model):
    """One entry of a list. ``code`` is the id that a mapping names: store_id, wid, type_id; of a pair its MSKU.

    owner: the store of a pair, the warehouse of an overseas shipping method. kind: a store's platform code, a
    warehouse's type (1 local, 3 overseas, 4 Amazon, 6 AWD), a method's provider type.
    """

    list = models.CharField(_("list"), max_length=20, choices=ListName.choices)
    code = models.CharField(_("id"), max_length=200)
    name = models.CharField(_("name"), max_length=300, blank=True)
    owner = models.CharField(_("belongs to"), max_length=40, blank=True)
    sku = models.CharField(_("local SKU"), max_length=200, blank=True)
    kind = models.IntegerField(_("type"), null=True, blank=True)
    sid = models.CharField(_("LingXing sid"), max_length=40, blank=True)
    third_party_code = models.CharField(_("the third party's code"), max_length=120, blank=True)
    usable = models.BooleanField(_("in use"), default=True)
    read_at = models.DateTimeField(_("last read"))

    class Meta:
        verbose_name = _("entry of LingXing's lists")
        verbose_name_plural = _("entries of LingXing's lists")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["list", "code", "owner", "sku"], name="one_lingxing_entry")
        ]
        indexes: ClassVar = [
            models.Index(fields=["list", "sku"], name="lingxing_entry_sku", condition=models.Q(list="pairs")),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()
