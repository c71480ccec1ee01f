"""The admin of warehouses, SKUs and stock.

``pages`` registers everything; it is imported with the addresses (``config/urls.py``), not by commands.
"""
