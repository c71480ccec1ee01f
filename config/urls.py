"""Addresses: the admin is the product; beside it the REST API, its description and health checks."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.utils.module_loading import autodiscover_modules
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from integrations.admin.lingxing_lists import suggest
from integrations.api.views import NoSuchAddress, ProblemKinds
from orders.admin.dictionary import status_dictionary
from orders.admin.quick_search import find_order
from orders.admin.unmapped import unmapped_page

from .audit_page import audit_trail
from .health import healthz, readyz
from .metrics import metrics
from .preferences import preferences, set_language
from .second_factor import PAGE as SECOND_FACTOR_PAGE
from .second_factor import second_factor

# Only who serves pages or names their addresses pays for loading them.
autodiscover_modules("admin", "admin.pages", register_to=admin.site)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/preferences/", admin.site.admin_view(preferences), name="preferences"),
    path("admin/second-factor/", admin.site.admin_view(second_factor), name=SECOND_FACTOR_PAGE),
    path("admin/audit/", admin.site.admin_view(audit_trail), name="audit-trail"),
    path("admin/find/", admin.site.admin_view(find_order), name="find-order"),
    path("admin/words/", admin.site.admin_view(status_dictionary), name="status-dictionary"),
    path("admin/unmapped/", admin.site.admin_view(unmapped_page), name="unmapped-codes"),
    path("admin/lingxing-suggestions/", admin.site.admin_view(suggest), name="lingxing-suggestions"),
    path("admin/", admin.site.urls),
    path("i18n/setlang/", set_language, name="set_language"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api-docs"),
    path("api/problems/", ProblemKinds.as_view()),
    path("api/problems/<str:kind>/", ProblemKinds.as_view()),
    path("api/v1/", include("config.api_urls")),
    re_path(r"^api/", NoSuchAddress.as_view()),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]

handler403 = "config.error_pages.forbidden"
handler404 = "config.error_pages.not_found"
