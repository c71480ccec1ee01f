"""What every part of the REST API shares: tokens, problems, throttles, idempotency keys, paging, its description.

Knows no business; the resources of orders and stock stand in ``orders/api`` and ``inventory/api``.
"""
