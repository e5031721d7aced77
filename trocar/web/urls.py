"""Addresses of the web application."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from trocar.web import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("accounts/", include("trocar.web.accounts.urls")),
    path("audit/", include("trocar.web.audit.urls")),
    path("jobs/", include("trocar.web.jobs.urls")),
    path("cases/", include("trocar.web.cases.urls")),
    path("cases/", include("trocar.web.procedure.urls")),
    path("cases/", include("trocar.web.consent.urls")),
    path("cases/<case_number:number>/vetting/", include("trocar.web.vetting.urls")),
    path("cases/<case_number:number>/plan/", include("trocar.web.plans.case_urls")),
    path("plans/", include("trocar.web.plans.urls")),
    path("", include("trocar.web.papers.urls")),
    path("", include("trocar.web.scheduling.urls")),
    path("", include("trocar.web.laboratory.urls")),
]

if settings.TROCAR_SIGN_ON:
    urlpatterns.insert(0, path("accounts/sign-on/", include("trocar.web.accounts.sign_on_urls")))

handler400 = "trocar.web.views.bad_request"
handler403 = "trocar.web.views.forbidden"
handler404 = "trocar.web.views.not_found"
handler500 = "trocar.web.views.fault"
