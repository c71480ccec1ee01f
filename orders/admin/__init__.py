"""The admin of orders, what is owed for them, their mappings and policies.

``pages`` registers everything; it is imported with the addresses (``config/urls.py``), not by commands.
"""
