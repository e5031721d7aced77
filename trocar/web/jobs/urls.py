"""Addresses of jobs."""

from __future__ import annotations

from django.urls import path

from trocar.web.jobs import views

app_name = "jobs"
urlpatterns = [
    path("<uuid:job_id>/", views.job_page, name="job"),
    path("<uuid:job_id>/progress.json", views.progress, name="progress"),
    path("<uuid:job_id>/again/", views.again, name="again"),
]
