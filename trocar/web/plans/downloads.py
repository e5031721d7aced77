"""The files of a plan, as the planner wrote them."""

from __future__ import annotations

import io
import zipfile

from django.http import Http404, HttpResponse

from trocar.web.plans.plan_folder import PlanFolder

SHEET_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox",
    )
)
"""The sheet is one file with its style and pictures in it; nothing in it may run or reach elsewhere."""


def file_answer(folder: PlanFolder, name: str, content_type: str, *, download: bool) -> HttpResponse:
    """One file of the plan. Raises Http404 where the planner has not written it."""
    file = folder.file(name)
    if folder.card.state != "planned" or not file.is_file():
        raise Http404(f"This plan has no {name}.")
    answer = HttpResponse(file.read_bytes(), content_type=content_type)
    return _named(answer, f"{folder.id}-{name}", download=download)


def dicom_answer(folder: PlanFolder) -> HttpResponse:
    """Every DICOM file of the plan in one zip. Raises Http404 where there is none."""
    files = folder.dicom_files() if folder.card.state == "planned" else []
    if not files:
        raise Http404("This plan has no DICOM files.")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files:
            archive.write(file, f"{folder.id}/{file.relative_to(folder.path / 'dicom').as_posix()}")
    return _named(
        HttpResponse(content.getvalue(), content_type="application/zip"),
        f"{folder.id}-dicom.zip",
        download=True,
    )


def _named(answer: HttpResponse, name: str, *, download: bool) -> HttpResponse:
    answer["Content-Disposition"] = f'{"attachment" if download else "inline"}; filename="{name}"'
    answer["Cache-Control"] = "private, no-cache"
    return answer
