"""Addresses of the REST API, version 1."""

from __future__ import annotations

from django.urls import path

from integrations.api import flows
from inventory.api import stock
from orders.api import (
    actions,
    cancelling,
    events,
    exceptions,
    how_far,
    invoices,
    mappings,
    orders,
    packages,
    sources,
    tracking_changes,
)

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
    path(ORDER + "status/", how_far.Status.as_view()),
    path(ORDER + "furthest-state/", how_far.FurthestState.as_view()),
    path(ORDER + "shipped-quantities/", how_far.ShippedQuantities.as_view()),
    path(ORDER + "is-cancelled/", cancelling.IsCancelled.as_view()),
    path(ORDER + "set-cancelled/", cancelling.SetCancelled.as_view()),
    path(ORDER + "cancellation-pause/", cancelling.CancellationPauses.as_view()),
    path(ORDER + "cancellation-pause/resume/", cancelling.ResumeOrder.as_view()),
    path(ORDER + "tracking-changes/", tracking_changes.TrackingChanges.as_view()),
    path(ORDER + "invoice/", invoices.InvoiceOfOrder.as_view()),
    path(STEP + "retry/", actions.Retry.as_view()),
    path(STEP + "skip/", actions.Skip.as_view()),
    path(STEP + "done/", actions.DoneElsewhere.as_view()),
    path("flows/", flows.Flows.as_view()),
    path("flows/<str:name>/", flows.OneFlow.as_view()),
    path("flows/<str:name>/runs/", flows.Runs.as_view()),
    path("flows/<str:name>/run/", flows.RunNow.as_view()),
    path("flows/<str:name>/pause/", flows.Pause.as_view()),
    path("flows/<str:name>/resume/", flows.Resume.as_view()),
    path("exceptions/", exceptions.Causes.as_view()),
    path("exceptions/<int:pk>/deliveries/", exceptions.CauseDeliveries.as_view()),
    path("exceptions/<int:pk>/retry/", exceptions.RetryCause.as_view()),
    path("exceptions/<int:pk>/skip/", exceptions.SkipCause.as_view()),
    path("exceptions/<int:pk>/done/", exceptions.CauseDone.as_view()),
    path("events/", events.Events.as_view()),
    path("mappings/", mappings.Mappings.as_view()),
    path("mappings/<str:section>/", mappings.Section.as_view()),
    path("stock/levels/", stock.Levels.as_view()),
    path("stock/differences/", stock.Differences.as_view()),
    path("stock/sync/", stock.Sync.as_view()),
    path("order-sources/", sources.OrderSources.as_view()),
    path("shipping-types/", sources.ShippingTypes.as_view()),
    path("order-status/", orders.OrderStatus.as_view()),
]
