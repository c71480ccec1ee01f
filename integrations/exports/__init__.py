"""Lists as CSV or XLSX files, made in the background and kept for a week.

Packages announce what can be exported with ``register_exportable``; ``request_export`` freezes what is wanted,
``make`` writes the file in a worker, ``sweep`` removes what was kept long enough.
"""

from .lists import PERSONAL_DATA, Column, Exportable, exportable, register_exportable
from .making import KEPT_DAYS, make, request_export, sweep
from .writing import read_back, safe_cell, write_csv, write_xlsx

__all__ = [
    "KEPT_DAYS",
    "PERSONAL_DATA",
    "Column",
    "Exportable",
    "exportable",
    "make",
    "read_back",
    "register_exportable",
    "request_export",
    "safe_cell",
    "sweep",
    "write_csv",
    "write_xlsx",
]
