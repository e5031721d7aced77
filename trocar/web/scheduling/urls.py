"""Addresses of the day list and of a case's slot."""

from __future__ import annotations

from django.urls import path

import trocar.web.cases.urls  # noqa: F401  # names the case_number converter
from trocar.web.scheduling.views import day, slot, telling

app_name = "scheduling"
urlpatterns = [
    path("", day.day_page, name="day"),
    path("week/", day.week_page, name="week"),
    path("day/assess/", day.assess, name="assess"),
    path("to-tell/", telling.to_tell_page, name="to_tell"),
    path("cases/<case_number:number>/scheduling/", slot.section_page, name="case"),
    path("cases/<case_number:number>/scheduling/slot/", slot.slot_page, name="slot"),
    path("cases/<case_number:number>/scheduling/earlier/", slot.earlier, name="earlier"),
    path("cases/<case_number:number>/scheduling/postpone/", slot.postpone, name="postpone"),
    path("cases/<case_number:number>/scheduling/cancel/", slot.cancel, name="cancel"),
    path("cases/<case_number:number>/scheduling/bed/", slot.bed, name="bed"),
    path("cases/<case_number:number>/scheduling/bed/give-up/", slot.give_up_bed, name="give_up_bed"),
    path("cases/<case_number:number>/scheduling/arrangements/", slot.arrangements, name="arrangements"),
    path("cases/<case_number:number>/scheduling/told/<int:task>/", telling.told, name="told"),
]
