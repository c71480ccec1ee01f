"""``manage.py doctor``: looks at everything that orders depend on and says what to do. One file for each subject."""

from .examination import Examination, examine
from .findings import Finding, Level, Subject

__all__ = ["Examination", "Finding", "Level", "Subject", "examine"]
