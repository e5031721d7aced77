"""Labels of pots to print, and their barcodes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from trocar.web.accounts.roles import Permission
from trocar.web.cases import clock
from trocar.web.cases.access import case_for
from trocar.web.laboratory.access import pot_for
from trocar.web.laboratory.label_barcode import code128_svg
from trocar.web.laboratory.sample_record import SampleRecord

WIDTH_MM, HEIGHT_MM = 47.0, 5.0
LONG_NAME = 26
"""Names longer than this many letters are set smaller, so that none is cut off."""
ONE_LINE, ROOM_FOR_NUMBER = 40, 28
"""Letters of a line at the usual size, and of the pot's number, count and side; beyond them the label is set denser."""


@require_safe
def labels(request: HttpRequest, number: str) -> HttpResponse:
    """One label of 50 by 25 mm for each pot, or for the one that is asked for."""
    case = case_for(request, number, Permission.DISPATCH_SPECIMEN)
    record = SampleRecord.of(case)
    wanted = request.GET.get("pot", "")
    orders = {order.pk: order for order in record.orders}
    shown = []
    for pot in record.pots:
        if wanted in ("", pot.number) and pot.order_id in orders:
            cores = record.cores_of(pot)
            medium = record.rules.medium(pot.medium)
            test = record.test_title(orders[pot.order_id])
            title = medium.title if medium else pot.medium
            sites = ", ".join(dict.fromkeys(core.site for core in cores)) or case.site
            shown.append(
                {
                    "pot": pot,
                    "medium": title,
                    "test": test,
                    "sites": sites,
                    "dense": max(len(test) + len(title), len(sites) + ROOM_FOR_NUMBER) > ONE_LINE,
                    "cores": cores,
                    "taken": min((core.happened_at for core in cores), default=None),
                }
            )
    context = {
        "case": case, "labels": shown, "wanted": wanted, "now": clock.now(),
        "long_name": len(case.patient.name) > LONG_NAME,
    }  # fmt: skip
    return render(request, "laboratory/labels.html", context)


@require_safe
def barcode(request: HttpRequest, number: str) -> HttpResponse:
    """The barcode of one pot as a picture."""
    pot = pot_for(request, number)
    svg = code128_svg(pot.in_barcode, WIDTH_MM, HEIGHT_MM)
    return HttpResponse(svg, content_type="image/svg+xml")
