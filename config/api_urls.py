"""Addresses of the REST API, version 1."""

from __future__ import annotations

from django.urls import path

from orders.api import actions, orders, packages

ORDER = "orders/<str:dsco_order_id>/"
STEP = ORDER + "deliveries/<str:kind>/<int:delivery_id>/"

urlpatterns = [
    path("orders/", orders.OrderList.as_view()),
    path(ORDER, orders.OneOrder.as_view()),
    path(ORDER + "trace/", orders.OrderTrace.as_view()),
    path(ORDER + "hold/", actions.Hold.as_view()),
    path(ORDER + "release/", actions.Release.as_view()),
    path(ORDER + "comments/", actions.Comments.as_view()),
    path(ORDER + "cancel/", actions.Cancel.as_view()),
    path(ORDER + "packages/", packages.Packages.as_view()),
    path(ORDER + "packages/rest/", packages.Rest.as_view()),
    path(STEP + "retry/", actions.Retry.as_view()),
    path(STEP + "skip/", actions.Skip.as_view()),
    path(STEP + "done/", actions.DoneElsewhere.as_view()),
    path("order-status/", orders.OrderStatus.as_view()),
]
