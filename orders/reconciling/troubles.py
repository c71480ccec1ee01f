"""What could not be compared in one run: it is collected and told, and never keeps the rest from being compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import structlog
from django.db import OperationalError

from integrations.errors import VendorError
from integrations.flows.context import FlowContext
from integrations.flows.runner import FlowStopped
from integrations.sentences import gettext as _
from integrations.sentences import ngettext

from ..reading import is_out_of_reach

log = structlog.get_logger(__name__)

# So many parts in a row that a vendor fails at mean that it is down: the rest is left to the next run.
DOWN_AFTER = 3


class Troubles:
    """The parts that failed in one run, and the vendors that are not asked any more in it."""

    def __init__(self, context: FlowContext) -> None:
        self.number = 0
        self.last = ""
        self._context = context
        self._down: dict[str, VendorError | FlowStopped] = {}
        self._in_a_row: Counter[str] = Counter()

    def is_down(self, vendor: str) -> bool:
        """Return whether the rest of what needs this vendor is left to the next run."""
        return vendor in self._down

    def attempt(self, vendor: str, what: str, part: Callable[[], None]) -> bool:
        """Compare one part; return whether that went well. what: the part, for staff."""
        if self.is_down(vendor):
            return False
        try:
            part()
        except OperationalError:
            raise  # the database itself
        except (VendorError, FlowStopped) as error:
            failing = getattr(error, "vendor", "") or vendor
            self._in_a_row[failing] += 1
            if is_out_of_reach(error) or self._in_a_row[failing] >= DOWN_AFTER:
                self._down[failing] = error
            self.note(what, str(error))
            return False
        except Exception as error:
            log.exception("part_not_compared", part=str(what))
            text = _("something broke in OrderBridge (%(error)s); the log has the details")
            self.note(what, text % {"error": type(error).__name__})
            return False
        self._in_a_row[vendor] = 0
        return True

    def note(self, what: str, why: str) -> None:
        """Say in the run that something was not compared."""
        self.number += 1
        self._context.count("not_compared")
        self.last = _("%(what)s could not be compared: %(why)s") % {"what": what, "why": why}
        self._context.note(self.last)

    def tell(self) -> None:
        """End the run with what kept it from comparing everything, if anything did."""
        if self._down:
            raise next(iter(self._down.values()))
        if self.number:
            text = ngettext(
                "%(number)d part could not be compared; the run's notes say which. It is tried again next time.",
                "%(number)d parts could not be compared; the run's notes say which. They are tried again next time.",
                self.number,
            )
            raise FlowStopped("not_compared", text % {"number": self.number})


def unread_of(failed: Iterable[tuple[str, VendorError]]) -> dict[str, str]:
    """Return why orders or items could not be read, by their numbers."""
    return {subject: str(error) for subject, error in failed}
