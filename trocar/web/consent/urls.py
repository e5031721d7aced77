"""Addresses of consent, below a case's own."""

from __future__ import annotations

from django.urls import path

# the converter of case numbers is registered there
import trocar.web.cases.urls  # noqa: F401
from trocar.web.consent.views import ends, leaflets, pages, questions, stages

app_name = "consent"
urlpatterns = [
    path("<case_number:number>/consent/", pages.consent, name="consent"),
    path("<case_number:number>/consent/print/", pages.print_form, name="print"),
    path("<case_number:number>/consent/stage-1/", stages.stage_one, name="stage_one"),
    path("<case_number:number>/consent/stage-2/", stages.stage_two, name="stage_two"),
    path("<case_number:number>/consent/leaflet/", leaflets.give, name="leaflet"),
    path("<case_number:number>/consent/questions/", questions.ask, name="ask"),
    path("<case_number:number>/consent/questions/<int:pk>/", questions.answer, name="answer"),
    path("<case_number:number>/consent/decline/", ends.decline, name="decline"),
    path("<case_number:number>/consent/withdraw/", ends.withdraw, name="withdraw"),
]
