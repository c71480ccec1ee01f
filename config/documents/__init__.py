"""The documents that are made from the program, so that they cannot say something else: ``manage.py documents``."""

from .making import fresh_documents, stale_documents

__all__ = ["fresh_documents", "stale_documents"]
