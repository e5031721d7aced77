"""Addresses of vetting, below /cases/<number>/vetting/."""

from __future__ import annotations

from django.urls import path

from trocar.web.vetting.views import assessment, day, medicines, questions, results

app_name = "vetting"
urlpatterns = [
    path("", assessment.assessment, name="case"),
    path("override/", assessment.override, name="override"),
    path("override/<int:pk>/", assessment.withdraw_override, name="withdraw_override"),
    path("decision/", assessment.decision, name="decision"),
    path("results/", results.results, name="results"),
    path("results/add/", results.add, name="add_results"),
    path("results/<int:pk>/", results.correct, name="correct_result"),
    path("questions/", questions.questions, name="questions"),
    path("day/", day.day, name="day"),
    path("medicines/", medicines.medicines, name="medicines"),
    path("medicines/add/", medicines.add, name="add_medicine"),
    path("medicines/<int:pk>/", medicines.edit, name="medicine"),
    path("medicines/<int:pk>/advice/", medicines.advice, name="advice"),
    path("medicines/<int:pk>/last-dose/", medicines.last_dose, name="last_dose"),
    path("medicines/sign/", medicines.sign, name="sign"),
]
