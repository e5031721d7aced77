"""Addresses below a case."""

from __future__ import annotations

from django.urls import path

from trocar.web.plans import case_views
from trocar.web.plans import urls as _converters  # noqa: F401 - the kinds of part in an address

app_name = "case_plan"
urlpatterns = [
    path("", case_views.plan, name="plan"),
    path("ask/", case_views.ask, name="ask"),
    path("accept/<plan_id:plan_id>/<number:path_number>/", case_views.accept_path, name="accept"),
    path("check-scan/", case_views.check_scan, name="check_scan"),
    path("at-the-table/", case_views.at_table, name="at_table"),
    path("withdraw/", case_views.withdraw, name="withdraw"),
]
