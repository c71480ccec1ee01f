"""The admin of the infrastructure, and the pieces that the other packages' admins are built of.

``pages`` registers everything; it is imported with the addresses (``config/urls.py``), not by commands.
"""
