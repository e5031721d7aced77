"""Addresses of the plans."""

from __future__ import annotations

from django.urls import path, register_converter

from trocar.web.plans import views
from trocar.web.plans.plan_folder import ID_PATTERN
from trocar.web.plans.slice_stack import STACK_NAMES


class PlanId:
    regex = ID_PATTERN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Number:
    """A whole number of at most six digits; longer ones are no page."""

    regex = "[0-9]{1,6}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class Stack:
    regex = "|".join(STACK_NAMES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PlanId, "plan_id")
register_converter(Number, "number")
register_converter(Stack, "stack")

app_name = "plans"
urlpatterns = [
    path("", views.plan_list, name="list"),
    path("progress.json", views.progress, name="progress"),
    path("<plan_id:plan_id>/", views.plan_page, name="plan"),
    path("<plan_id:plan_id>/plan.json", views.plan_json, name="json"),
    path("<plan_id:plan_id>/plan.pdf", views.plan_pdf, name="pdf"),
    path("<plan_id:plan_id>/plan.html", views.plan_html, name="html"),
    path("<plan_id:plan_id>/dicom.zip", views.plan_dicom, name="dicom"),
    path(
        "<plan_id:plan_id>/paths/<number:number>/slices/<stack:stack>/<number:index>.png",
        views.slice_picture,
        name="slice",
    ),
]
