"""Addresses of papers."""

from __future__ import annotations

from django.urls import path

from trocar.web.papers import views

app_name = "papers"
urlpatterns = [
    path("papers/", views.papers, name="papers"),
    path("papers/<uuid:job_id>.pdf", views.paper, name="paper"),
    path("cases/<case_number:number>/papers/", views.of_case, name="of_case"),
    path("cases/<case_number:number>/papers/record/", views.print_record, name="record"),
    path("cases/<case_number:number>/papers/reply/", views.print_reply, name="reply"),
]
