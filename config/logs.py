"""Structured logs: one processor chain for our own and for library logs, secrets masked in both.

``logging_settings`` only says how and changes nothing; ``configure_structlog`` does, once, from ``config.settings``.
"""

from __future__ import annotations

from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from integrations.redaction import redact, redact_text


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """structlog processor: no secret or personal value passes, whatever logged it."""
    masked: EventDict = redact(dict(event))
    for key, value in masked.items():
        if isinstance(value, str):
            masked[key] = redact_text(value)
    return masked


def _shared_processors() -> list[Any]:
    """Return what our own and the libraries' entries both go through."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]


def configure_structlog() -> None:
    """Hand structlog's entries to the standard library's logging; once in a process."""
    first, *others = _shared_processors()
    structlog.configure(
        processors=[
            first,
            structlog.stdlib.filter_by_level,
            *others,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_settings(level: str, style: str) -> dict[str, Any]:
    """Return Django's LOGGING for ``json`` or ``console`` output on standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                "foreign_pre_chain": _shared_processors(),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "urllib3": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
        },
    }
