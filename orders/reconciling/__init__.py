"""Comparing both vendors with what we have: findings that are rows, and what mends each.

``facts`` reads our side in bulk, ``dsco_orders``, ``erp_orders``, ``invoices`` and ``stock`` compare one page each,
``findings`` keeps and closes the rows, ``mends`` carries out what mends them, ``ranges`` says what is to be compared,
``comparing`` compares one piece of that.
"""
