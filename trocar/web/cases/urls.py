"""Addresses of cases."""

from __future__ import annotations

from django.urls import path, register_converter

from trocar.web.cases.views import case_list, case_page


class CaseNumber:
    regex = r"T-[0-9]{2}-[0-9]{6,9}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(CaseNumber, "case_number")

app_name = "cases"
urlpatterns = [
    path("", case_list.case_list, name="list"),
    path("new/", case_list.begin, name="begin"),
    path("<case_number:number>/", case_page.case_page, name="case"),
    path("<case_number:number>/referral/", case_page.referral, name="referral"),
    path("<case_number:number>/patient/", case_page.patient, name="patient"),
    path("<case_number:number>/move/<slug:name>/", case_page.move, name="move"),
]
