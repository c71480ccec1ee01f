"""Addresses of the REST API, version 1."""

from __future__ import annotations

from django.urls import path

from orders.api import orders

urlpatterns = [
    path("orders/", orders.OrderList.as_view()),
    path("orders/<str:dsco_order_id>/", orders.OneOrder.as_view()),
    path("orders/<str:dsco_order_id>/trace/", orders.OrderTrace.as_view()),
    path("order-status/", orders.OrderStatus.as_view()),
]
