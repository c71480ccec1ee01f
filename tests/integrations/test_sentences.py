"""Sentences that are kept: English in the column, told in the reader's language and time zone."""

from __future__ import annotations

import copy
import json
import pickle
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core import serializers
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.html import format_html

from integrations.deliveries.states import State
from integrations.errors import TransientError
from integrations.models import FlowRun
from integrations.sentences import (
    MARK,
    Sentence,
    gettext,
    joined,
    ngettext,
    packed,
    pgettext,
    told,
    unpacked,
    with_words,
    without_particulars,
)

MAPPING = "SKU {} has no SKU mapping."
PARTS = "LingXing has split the order; %(shipped)d of %(all)d parts are shipped. It goes when all are."
REFUSED = "LingXing refused the order: %(words)s"


def chinese(text: str) -> str:
    with translation.override("zh-hans"):
        return told(text)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_text_is_english_whatever_the_worker_speaks(language):
    with translation.override(language):
        text = gettext(PARTS) % {"shipped": 1, "all": 2}
    assert text == "LingXing has split the order; 1 of 2 parts are shipped. It goes when all are."
    assert json.dumps({"error": text}) == json.dumps({"error": str.__str__(text)})


def test_it_is_told_in_the_readers_language():
    text = gettext(PARTS) % {"shipped": 1, "all": 2}
    assert chinese(text) == "领星已拆单；2 个部分中已发 1 个，全部发货后回传。"
    assert told(text) == text
    assert "2" in chinese(gettext(MAPPING).format("LAMP-2"))


def test_the_vendors_words_stay_and_our_frame_is_translated():
    inner = gettext(REFUSED) % {"words": "库存不足 (out of stock)"}
    assert chinese(inner).endswith("库存不足 (out of stock)")
    assert "LingXing refused" not in chinese(inner)
    assert chinese("库存不足 (out of stock)") == "库存不足 (out of stock)"


def test_parameters_may_be_sentences_labels_numbers_amounts_and_lists():
    nested = gettext(REFUSED) % {"words": joined([gettext("DSCO does not know this order."), "A, B"])}
    assert nested == "LingXing refused the order: DSCO does not know this order. A, B"
    assert "does not know" not in chinese(nested)
    assert chinese(gettext(REFUSED) % {"words": State.FAILED.label}).endswith("失败")
    assert (gettext(REFUSED) % {"words": Decimal("12.50")}).endswith("12.50")
    assert (gettext(REFUSED) % {"words": ["A", "B"]}).endswith("A, B")
    assert (gettext(REFUSED) % {"words": date(2026, 3, 2)}).endswith("2026-03-02")


def test_times_are_in_utc_in_the_column_and_in_the_readers_zone_when_told():
    text = gettext(REFUSED) % {"words": datetime(2026, 3, 2, 8, 0, tzinfo=UTC)}
    assert text.endswith("2026-03-02 08:00 UTC")
    with timezone.override("Asia/Shanghai"):
        assert told(text).endswith("2026-03-02 16:00")


def test_plurals_and_contexts():
    one, many = (ngettext("%(n)d ticked row", "%(n)d ticked rows", n) % {"n": n} for n in (1, 3))
    assert (one, many) == ("1 ticked row", "3 ticked rows")
    assert "3" in chinese(many)
    assert "ticked" not in chinese(many)
    assert told(pgettext("nobody's", "state")) == "state"


def test_joined_keeps_plain_words_plain():
    assert not isinstance(joined(["a", "", "b"]), Sentence)
    assert joined([gettext("DSCO does not know this order."), ""]) == "DSCO does not know this order."


def test_pages_tell_it_and_escape_what_is_in_it():
    text = gettext(REFUSED) % {"words": "<b>no</b>"}
    with translation.override("zh-hans"):
        shown = Template("{% load told %}{{ text }}|{{ text|told|truncatechars:5 }}").render(Context({"text": text}))
        assert format_html("{}", text) == shown.partition("|")[0]
    assert "LingXing refused" not in shown
    assert "&lt;b&gt;no&lt;/b&gt;" in shown


def test_what_is_stored_comes_back_and_old_rows_still_show():
    text = gettext(PARTS) % {"shipped": 1, "all": 2}
    back = unpacked(packed(text))
    assert (back, chinese(back)) == (text, chinese(text))
    assert packed(gettext("DSCO does not know this order.")) == f"DSCO does not know this order.{MARK}"
    assert unpacked("Written long ago.") == "Written long ago."
    assert not isinstance(unpacked("Written long ago."), Sentence)


def test_a_vendor_cannot_forge_a_sentence():
    forged = f'harmless{MARK}{{"m":"Retry now"}}'
    assert not isinstance(unpacked(packed(forged)), Sentence)
    assert MARK not in gettext(REFUSED) % {"words": forged}


@pytest.mark.django_db
def test_columns_keep_sentences_also_through_updates_and_dumps():
    text = gettext(REFUSED) % {"words": "no"}
    run = FlowRun.objects.create(flow="x", started_at=timezone.now(), error=text)
    FlowRun.objects.filter(pk=run.pk).update(notes=[text, "plain"])
    found = FlowRun.objects.values_list("error", "notes").get(pk=run.pk)
    assert [chinese(found[0]), chinese(found[1][0]), found[1][1]] == [chinese(text), chinese(text), "plain"]
    assert FlowRun.objects.filter(error__contains="refused the order").count() == 1
    dump = serializers.serialize("json", FlowRun.objects.all())
    restored = next(iter(serializers.deserialize("json", dump))).object
    assert chinese(restored.error) == chinese(text)
    assert str(TransientError(text, vendor="dsco", operation="x", code="y")).startswith("DSCO, x: LingXing refused")


def test_copies_keep_what_it_was_made_of():
    text = gettext(REFUSED) % {"words": "no"}
    for twin in (copy.deepcopy(text), pickle.loads(pickle.dumps(text)), str(text), str(ValueError(text))):
        assert chinese(twin) == chinese(text) != text


def test_secrets_are_hidden_in_the_words_but_not_in_the_message():
    text = with_words(
        gettext(REFUSED) % {"words": "token LingXing-123"}, lambda words: words.replace("LingXing", "***")
    )
    assert text == "LingXing refused the order: token ***-123"
    assert "***-123" in chinese(text)


def test_a_cause_has_no_particulars_in_any_language():
    one, other = (without_particulars(gettext(MAPPING).format(f"LAMP-{n}")) for n in (1, 2))
    assert one == other == "SKU … has no SKU mapping."
    assert chinese(one) == chinese(other)
    assert "LAMP" not in chinese(one)


def test_a_translation_with_a_wrong_placeholder_shows_the_english():
    broken = Sentence("What happened.", {"m": "%(gone)s", "a": {"here": 1}})
    assert told(broken) == "What happened."


# Modules whose texts are said to whoever asks, while he waits, and never kept.
SAID_AT_ONCE = {
    "integrations/alerts/messages.py",
    "integrations/alerts/sources.py",
    "integrations/lingxing/checking.py",
    "integrations/stopping.py",
    "inventory/mapping_checks.py",
    "inventory/removal_checks.py",
    "orders/comparison_rows.py",
    "orders/compose_drafts.py",
    "orders/compose_facts.py",
    "orders/compose_preview.py",
    "orders/composed_packages.py",
    "orders/deadline_alerts.py",
    "orders/explanations.py",
    "orders/mapping_checks.py",
    "orders/mapping_files.py",
    "orders/payload_words.py",
    "orders/mapping_proposals.py",
    "orders/policy_checks.py",
    "orders/policy_words.py",
    "orders/reconciling/ranges.py",
    "orders/timeline.py",
}


def test_modules_that_write_sentences_take_gettext_from_here():
    """A text that Django's gettext made is in one language for ever: workers must not keep such texts."""
    root = Path(settings.BASE_DIR)
    wrong = set()
    for package in ("integrations", "inventory", "orders"):
        for path in (root / package).rglob("*.py"):
            name = str(path.relative_to(root))
            if "/admin/" in name or "/migrations/" in name or name in SAID_AT_ONCE or name.endswith("/sentences.py"):
                continue
            imported = re.findall(r"^from django\.utils\.translation import ([^\n]+|\([^)]*\))", path.read_text(), re.M)
            names = {word for found in imported for word in re.findall(r"\w+", found.replace("as _", ""))}
            if names & {"gettext", "ngettext", "pgettext", "npgettext"}:
                wrong.add(name)
    assert wrong == set()


def test_in_chinese_no_blank_stands_behind_a_full_width_mark():
    text = joined([gettext(REFUSED) % {"words": "库存不足。"}, "Next."])
    assert "。 " not in chinese(text)
    assert str(text).endswith(" Next.")
