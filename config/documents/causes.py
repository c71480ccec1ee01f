"""The runbook's part on causes: every reason for which something waits for a person, and what to do, as the inbox
says it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integrations.admin.words import reason
from orders.explanations import CATALOGUE, Explanation, Remedy, explain

HEADS = {
    "en": (
        "Causes",
        "What staff find in the exceptions inbox: every code that OrderBridge itself gives, what it means and what to"
        " do. The inbox says the same, with the buttons; it groups what waits, so that one mend serves all. Codes that"
        " are not here are a vendor's own: its words are in the message, and the general rule is at the end."
        " [Operator's guide](operators-guide.md), [runbook](runbook.md), [中文](causes.zh.md).",
        ("code", "what it means", "what to do", "where", "goes on by itself"),
        ("yes", "no"),
    ),
    "zh-hans": (
        "异常原因",
        "异常收件箱中的每一种原因：OrderBridge 自己给出的代码、含义与处理方法。收件箱中有同样的说明和操作按钮，"
        "并将同类原因归在一起，一次处理全部。此处没有的代码来自对方系统：其原文见消息，通用处理方法见文末。"
        "[English](causes.md)。",
        ("代码", "含义", "处理方法", "位置", "处理后自动继续"),
        ("是", "否"),
    ),
}
MARK = "<!-- Made by `make documents` from orders/explanations.py: edit that. -->"


def causes_page(language: str) -> str:
    """Return the page in the active language, whose fixed words are those of ``language``."""
    title, introduction, columns, answers = HEADS[language]
    lines = [f"# {title}", "", MARK, "", introduction, "", f"| {' | '.join(columns)} |", "|---|---|---|---|---|"]
    lines += [_row(code, explanation, answers) for code, explanation in CATALOGUE.items()]
    return "\n".join(lines) + "\n\n" + _general()


def _row(code: str, explanation: Explanation, answers: tuple[str, str]) -> str:
    kind, colon, bare = code.rpartition(":")
    name = f"`{bare}`<br>{reason(bare)}" + (f"<br>({kind})" if colon else "")
    steps = "<br>".join(f"{number}. {step}" for number, step in enumerate(explanation.steps, start=1))
    where = ", ".join(_places()[remedy] for remedy in explanation.remedies)
    cells = (name, str(explanation.meaning), steps, where, answers[0] if explanation.heals else answers[1])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _places() -> dict[Remedy, str]:
    return {
        Remedy.ORDER: _("order"),
        Remedy.MAPPING: _("Mappings"),
        Remedy.COMPOSE: _("Packages to decide"),
        Remedy.POLICY: _("retailer policy"),
        Remedy.FLOW: _("flow"),
    }


def _general() -> str:
    rule = explain("", "a vendor's own code")
    return f"{rule.meaning} " + " ".join(str(step) for step in rule.steps) + "\n"
