"""Addresses of the auditor's pages."""

from __future__ import annotations

from django.urls import path

from trocar.web.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("department/", views.department, name="department"),
    path("cases/<slug:number>/", views.case, name="case"),
    path("people/<str:username>/", views.person, name="person"),
]
