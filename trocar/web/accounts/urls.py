"""Addresses of signing in and of people."""

from __future__ import annotations

from django.urls import path

from trocar.web.accounts import break_glass_views, people_views, views

app_name = "accounts"
urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("password/", views.password, name="password"),
    path("second-factor/", views.second_factor, name="second_factor"),
    path("break-glass/", break_glass_views.accesses, name="emergency_accesses"),
    path("break-glass/<slug:number>/", break_glass_views.open_case, name="break_glass"),
    path("people/", people_views.people, name="people"),
    path("people/add/", people_views.add, name="add_person"),
    path("people/<int:key>/", people_views.person, name="person"),
    path("people/<int:key>/active/", people_views.active, name="active"),
    path("people/<int:key>/one-time-password/", people_views.one_time_password, name="one_time_password"),
]
