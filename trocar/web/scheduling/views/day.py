"""The day list and the week."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from trocar.web.accounts.access import person_of, require
from trocar.web.accounts.roles import Permission
from trocar.web.audit import log as audit
from trocar.web.cases import clock
from trocar.web.cases.summaries import refresh
from trocar.web.scheduling import day as days
from trocar.web.scheduling.forms import day_asked


@require_safe
def day_page(request: HttpRequest) -> HttpResponse:
    """Each room's list of one day. The live part asks again by itself and is answered only if something changed."""
    person = person_of(request)
    day = day_asked(request.GET.get("date", ""))
    sees_cases = person.may(Permission.SEE_CASES)
    sees_some = sees_cases or person.may(Permission.SEE_OWN_REFERRALS)
    rooms = days.day_list(person, day) if sees_some else ()
    context = {
        "day": day,
        "rooms": rooms,
        "cases": sum(len(room.lines) for room in rooms),
        "closed": days.closed_why(day),
        "may_schedule": person.may(Permission.SCHEDULE),
        "sees_cases": sees_cases,
        "sees_some": sees_some,
        "sees_specimens": person.may(Permission.SEE_SPECIMENS),
        "is_today": day == clock.today(),
        "stale": any(line.readiness == "not assessed" for room in rooms for line in room.lines),
    }
    part = render_to_string("scheduling/day_rooms.html", context, request)
    mark = hashlib.sha256(part.encode()).hexdigest()[:16]
    live = "HX-Request" in request.headers
    if live and request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    if sees_some:
        audit.seen(None, person, f"day list of {day.isoformat()}")
    context |= {"part": part, "mark": mark}
    if live:
        return render(request, "scheduling/day_live.html", context)
    context |= {"before": day - timedelta(days=1), "after": day + timedelta(days=1)}
    return render(request, "scheduling/day.html", context)


@require_POST
def assess(request: HttpRequest) -> HttpResponse:
    """Look at every case of the day again: what they rest on may have grown too old since their last change."""
    person = require(request, Permission.SEE_CASES)
    day = day_asked(request.POST.get("date", ""))
    for booking in days.bookings_for(person, day):
        refresh(booking.case)
    return HttpResponseRedirect(f"{reverse('scheduling:day')}?date={day.isoformat()}")


@require_safe
def week_page(request: HttpRequest) -> HttpResponse:
    """Seven days, Monday first: how full each room is."""
    person = require(request, Permission.SEE_CASES)
    day = day_asked(request.GET.get("date", ""))
    monday = day - timedelta(days=day.weekday())
    context = {
        "week": days.week(person, monday),
        "monday": monday,
        "before": monday - timedelta(days=7),
        "after": monday + timedelta(days=7),
        "today": clock.today(),
    }
    return render(request, "scheduling/week.html", context)
