"""Addresses of the room, below /cases/."""

from __future__ import annotations

from django.urls import path

from trocar.web.procedure.views import checklist, details, radiation, room

CASE = "<case_number:number>/"

app_name = "procedure"
urlpatterns = [
    path(CASE + "checklist/", checklist.overview, name="checklist"),
    path(CASE + "checklist/sign-in/", checklist.stage_page, {"stage": "sign_in"}, name="sign_in"),
    path(CASE + "checklist/time-out/", checklist.stage_page, {"stage": "time_out"}, name="time_out"),
    path(CASE + "checklist/sign-out/", checklist.stage_page, {"stage": "sign_out"}, name="sign_out"),
    path(CASE + "checklist/answers/<int:answer>/resolve/", checklist.resolve, name="resolve"),
    path(CASE + "checklist/pictures/<int:index>.png", checklist.picture, name="picture"),
    path(CASE + "procedure/", room.room, name="room"),
    path(CASE + "procedure/press/", room.press, name="press"),
    path(CASE + "procedure/undo/", room.undo, name="undo"),
    path(CASE + "procedure/entries/<int:event>/", room.correct, name="correct"),
    path(CASE + "procedure/drug/", room.drug, name="drug"),
    path(CASE + "procedure/team/", details.team, name="team"),
    path(CASE + "procedure/baseline/", details.baseline, name="baseline"),
    path(CASE + "procedure/achieved/", details.achieved, name="achieved"),
    path(CASE + "procedure/complications/", details.complications, name="complications"),
    path(CASE + "procedure/complications/none/", details.no_complications, name="no_complications"),
    path(CASE + "procedure/complications/new/", details.complication, name="complication"),
    path(CASE + "procedure/complications/<int:known>/", details.complication, name="known_complication"),
    path(CASE + "radiation/", radiation.exposure, name="radiation"),
    path(CASE + "radiation/dose/", radiation.dose, name="dose"),
    path(CASE + "radiation/dose/<int:event>/take-back/", radiation.take_back, name="take_back_dose"),
]
