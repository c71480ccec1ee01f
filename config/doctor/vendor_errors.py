"""What a vendor's refusal means for whoever reads the doctor's findings."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integrations.errors import ConfigurationError, RateLimited, VendorError
from integrations.sentences import told

from .findings import Finding, stops, warning

IP_REFUSED = "3001002"
APP_SECRETS = frozenset({"2001001", "2001002", "0001001"})
NOT_GRANTED = frozenset({"2001004", "403"})


def refused(vendor: str, what: str, error: VendorError) -> Finding:
    """Return the finding for a read that a vendor did not answer as it should."""
    named = {"vendor": vendor, "what": what, "code": error.code, "words": told(error.message)}
    text = _("%(vendor)s, %(what)s: %(words)s (%(code)s)") % named
    if error.request_id:
        text += " " + _("%(vendor)s's request id: %(id)s.") % {"vendor": vendor, "id": error.request_id}
    if isinstance(error, RateLimited):
        return warning(text, _("Other processes use up the vendor's limit at the moment: try again in some minutes."))
    return stops(text, _advice(vendor, error))


def _advice(vendor: str, error: VendorError) -> str:
    if vendor == "LingXing" and error.code == IP_REFUSED:
        return _(
            "LingXing does not let this machine's public address in: add it to the white list (IP白名单) in the ERP's"
            " settings for open interfaces. Every machine with workers needs its own entry."
        )
    if vendor == "LingXing" and error.code in APP_SECRETS:
        return _("Copy LINGXING_APP_ID and LINGXING_APP_SECRET again from the ERP; a reset makes the old ones void.")
    if vendor == "LingXing" and error.code in NOT_GRANTED:
        return _("Ask LingXing, or the ERP's super administrator, to grant this interface to the application.")
    if error.code == "missing_setting":
        return _("Set the variable in .env or the service's environment.")
    if isinstance(error, ConfigurationError):
        return _("Check credentials, base URL and what the account may do; nothing of this kind works until then.")
    return _("Check this machine's network and the vendor's status page; the flows try again by themselves.")
