"""Trocar from a terminal.

Everything heavy is imported where it is used, so that help and completion answer at once.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from trocar import RESEARCH_NOTICE, __version__
from trocar.errors import SeriesChoice, TrocarError, UsageError
from trocar.web.commands import add_to

EXIT_CODES = """\b
Exit codes:
  0  done (planned, written, checked)
  1  a fault of Trocar
  2  wrong usage
  3  no path keeps every limit; plan.json says why
  4  the input was refused"""

NO_SAFE_PATH = 3

COMPLETION = """\b
Shell completion: eval "$(_TROCAR_COMPLETE=bash_source trocar)"   (or zsh_source, fish_source)"""


class Point(click.ParamType):
    """Three numbers X,Y,Z in patient LPS millimetres; with ``more`` some further ones."""

    def __init__(self, more: str = "") -> None:
        self.name = f"X,Y,Z{more}"
        self._count = 3 + more.count(",")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Text to a tuple of three floats."""
        if isinstance(value, tuple):
            return value
        parts = re.split(r"[,\s]+", str(value).strip())
        try:
            numbers = tuple(float(part) for part in parts)
        except ValueError:
            numbers = ()
        if len(numbers) != self._count or not all(abs(n) < 1e5 for n in numbers):
            what = "a point; write three" if self._count == 3 else f"{self.name}; write {self._count}"
            self.fail(
                f"{value!r} is not {what} numbers such as 31.5,-20,140{',20' * (self._count > 3)} (patient LPS mm)."
            )
        return numbers


class Bar:
    """A progress line on standard error: shown to people at a terminal, never in pipes or with --quiet."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._shown:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)

    def __call__(self, what: str, share: float) -> None:
        """Show what is being done and how much of it is done, 0 to 1."""
        if not self._shown:
            return
        filled = round(24 * max(0.0, min(1.0, share)))
        line = f"[{'#' * filled}{'.' * (24 - filled)}] {100 * share:3.0f} %  {what}"
        click.echo("\r" + line.ljust(self._width), nl=False, err=True)
        self._width = len(line)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=f"{COMPLETION}\n\n{EXIT_CODES}\n\n{RESEARCH_NOTICE}.",
)
@click.version_option(__version__)
def main() -> None:
    """Plan image-guided biopsies of bone and kidney on a CT."""


@main.command(
    epilog=f"""\b
Examples:
  trocar plan CT_FOLDER --protocol kidney_biopsy --side left --structures labels.nii.gz --out plan
  trocar plan ct.nii.gz --protocol kidney_biopsy --side right --kidney-point=-70,-130,340 --out plan
  trocar plan ct.zip --protocol bone_biopsy --target vertebrae_L3 --structures seg.dcm --out plan
  trocar plan ct.nii.gz --protocol bone_biopsy --target-mask rtstruct.dcm#GTV --position prone --out plan --json

{EXIT_CODES}

{RESEARCH_NOTICE}."""
)
@click.argument("ct", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--protocol", required=True, help="Name of a protocol (kidney_biopsy, bone_biopsy) or a protocol file."
)
@click.option("--side", type=click.Choice(["left", "right"]), help="The patient's side.")
@click.option(
    "--structures",
    multiple=True,
    metavar="FILE[#ROI]",
    help="NIfTI label map, folder of masks, DICOM SEG or RTSTRUCT; may be given several times.",
)
@click.option(
    "--target", "target_name", metavar="NAME", help="Structure to biopsy, named as in the structures."
)
@click.option("--target-point", type=Point(), help="Point to biopsy, in patient LPS millimetres.")
@click.option("--target-mask", metavar="FILE[#ROI]", help="Lesion to biopsy, as NIfTI, SEG or RTSTRUCT.")
@click.option("--kidney-point", type=Point(), help="A point in the kidney, where no structures are given.")
@click.option(
    "--guidance", type=click.Choice(["ct", "ultrasound", "fluoroscopy"]), help="How the needle is guided."
)
@click.option(
    "--position",
    type=click.Choice(["prone", "supine", "left_lateral", "right_lateral"]),
    help="How the patient lies when the needle goes in (left_lateral: on the left side).",
)
@click.option("--needle", metavar="NAME", help="A needle of the protocol's catalogue.")
@click.option("--series", metavar="ID", help="Which CT series, where there are several.")
@click.option(
    "--department", type=click.Path(path_type=Path), help="The department's file of approved values."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the plan."
)
@click.option(
    "--same-sitting",
    is_flag=True,
    help="The scan is of this sitting and the patient has not moved: print table position and laser offset.",
)
@click.option(
    "--suspected-primary-tumour",
    is_flag=True,
    help="A primary bone tumour is suspected: only paths in the agreed --route are looked at.",
)
@click.option("--route", type=Point(",RADIUS"), help="Agreed entry on the skin and its radius in mm.")
@click.option("--route-agreed-by", default="", metavar="TEXT", help="Who agreed the route, and when.")
@click.option("--no-dicom", is_flag=True, help="Write no DICOM objects.")
@click.option("--json", "as_json", is_flag=True, help="Print plan.json to standard output.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def plan(ct: tuple[Path, ...], out: Path, as_json: bool, quiet: bool, no_dicom: bool, **asked: Any) -> None:
    """Plan the needle path on a CT: a folder, a zip, DICOM files or one NIfTI file."""
    from trocar.workflow.destination import check_destination
    from trocar.workflow.inputs import file_of
    from trocar.workflow.plan_case import CaseQuestion, plan_case, write_case

    started = time.monotonic()
    now = datetime.now(UTC)
    question = CaseQuestion(pictures=ct, **asked)
    marks = [*question.structures, *([question.target_mask] if question.target_mask else [])]
    check_destination(out, [*ct, *map(file_of, marks)])
    with Bar(quiet) as bar:
        case = plan_case(question, now.date(), lambda what, share: bar(what, 0.7 * share))
        seconds = time.monotonic() - started
        report = write_case(
            case, out, now, lambda what, share: bar(what, 0.7 + 0.3 * share), seconds, dicom=not no_dicom
        )
    if as_json:
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    elif not quiet:
        for line in _summary(report, out):
            click.echo(line)
    if not report["paths"]:
        sys.exit(NO_SAFE_PATH)


def _summary(report: dict[str, Any], out: Path) -> list[str]:
    """What a person wants to see first, in a few lines."""
    side = f", {report['side']}" if report["side"] else ""
    lines = [f"{report['protocol_title']}{side}: {report['target']['name']}"]
    lines += [f"  {stamp}" for stamp in report["stamps"]]
    lines += [f"  ! {warning['text']}" for warning in report["warnings"]]
    paths = report["paths"]
    if not paths:
        lines.append(f"No path keeps every limit ({report['judged']:,} judged).")
        lines += [f"  in the way: {', '.join(report['in_the_way'][:3])}"] if report["in_the_way"] else []
        lines += [f"  nearest: {path['relaxed']}" for path in report["nearest"]]
    else:
        lines.append(
            f"{len(paths)} paths within the protocol's limits, of {report['judged']:,} judged. The first:"
        )
        best = paths[0]
        lines.append(f"  {best['length_mm']:.0f} mm deep, throw {best['throw_mm']:g} mm")
        lines += [f"  {reason}" for reason in best["reasons"]]
    shares = [f"{100 * share:.0f} % {reason}" for reason, share in list(report["rejected"].items())[:4]]
    lines.append(f"Fell out: {'; '.join(shares)}." if shares else "No pair fell out.")
    lines.append(
        f"Written: {out}/plan.json, plan.html, plan.pdf" + (", dicom/" if (out / "dicom").exists() else "")
    )
    return lines


@main.command(
    epilog="""\b
Examples:
  trocar segment ct.nii.gz --out seen.nii.gz
  trocar segment CT_FOLDER --kidney-point=-70,-130,340 --out seen.nii.gz"""
)
@click.argument("ct", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .nii.gz file.")
@click.option("--kidney-point", type=Point(), multiple=True, help="A point in a kidney; may be given twice.")
@click.option("--lesion-point", type=Point(), help="A point in a lesion.")
@click.option(
    "--lesion-radius",
    type=click.FloatRange(1, 200),
    default=30.0,
    show_default=True,
    help="The lesion's largest radius in mm.",
)
@click.option(
    "--totalsegmentator", is_flag=True, help="Run TotalSegmentator (needs the extra and its weights)."
)
@click.option("--series", metavar="ID", help="Which CT series, where there are several.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def segment(
    ct: tuple[Path, ...],
    out: Path,
    kidney_point: tuple[tuple[float, float, float], ...],
    lesion_point: tuple[float, float, float] | None,
    lesion_radius: float,
    totalsegmentator: bool,
    series: str | None,
    quiet: bool,
) -> None:
    """Find body, bone, lung, bowel gas, and a kidney or lesion from a click, without any labels."""
    from trocar.imaging.nifti import is_nifti, write_structures
    from trocar.workflow.inputs import read_pictures
    from trocar.workflow.segment_case import segment_case

    if not is_nifti(out):
        raise UsageError("Segmentations are written as NIfTI: let --out end in .nii.gz.")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.absolute().parent.name} to write {out.name} into.")
    if any(path.exists() and out.exists() and path.samefile(out) for path in ct):
        raise UsageError(f"{out.name} is the input itself; choose another --out.")
    if not lesion_radius >= 1:  # "nan" is a number to click
        raise UsageError("The --lesion-radius is a number of millimetres from 1 to 200.")
    with Bar(quiet) as bar:
        pictures = read_pictures(
            ct, series, lambda done, total: bar("Reading the pictures", 0.3 * done / total)
        )
        found = segment_case(
            pictures.volume,
            kidney_point,
            lesion_point,
            lesion_radius,
            totalsegmentator,
            lambda what, share: bar(what, 0.3 + 0.7 * share),
        )
        write_structures(out, found)
    if not quiet:
        voxel_ml = float(found.grid.spacing_mm.prod()) / 1000
        for name in found.names:
            click.echo(f"{name}: {found.mask(name).sum() * voxel_ml:.0f} ml")
        for notice in (*pictures.volume.source.notices, *found.notices):
            click.echo(f"! {notice}")
        click.echo(f"Written: {out} and its names as .csv beside it. {RESEARCH_NOTICE}.")


@main.group()
def samples() -> None:
    """Sample CTs: real scans from packages on the Python package index, for trying Trocar out."""


@samples.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_samples(as_json: bool) -> None:
    """What there is, under which licence, from where, and whether it is on this machine."""
    from trocar.samples.catalogue import SAMPLES
    from trocar.samples.fetch import stored_path

    rows = [
        {
            "name": s.name,
            "description": s.description,
            "licence": s.package.licence,
            "source": s.package.source,
            "fetched": stored_path(s).exists(),
        }
        for s in SAMPLES
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        click.echo(
            f"{row['name']:16} {'fetched' if row['fetched'] else 'not fetched':12} {row['description']}"
        )
        click.echo(f"{'':29} {row['licence']}; {row['source']}")


@samples.command("get")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def get_samples_command(quiet: bool) -> None:
    """Fetch all samples into the user's cache (about 75 MB)."""
    from trocar.samples.fetch import get_samples

    for path in get_samples(lambda _text: None if quiet else click.echo(_text)):
        if not quiet:
            click.echo(str(path))


@samples.command("path")
@click.argument("name")
def sample_path_command(name: str) -> None:
    """Print where a fetched sample is."""
    from trocar.samples.fetch import sample_path

    click.echo(str(sample_path(name)))


@main.group()
def protocols() -> None:
    """Protocol and department files."""


@protocols.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Print mistakes only.")
def check_protocols(files: tuple[Path, ...], quiet: bool) -> None:
    """Check protocol and department files (without FILES: those that come with Trocar)."""
    from trocar.clinical.loading import builtin_protocols, check_file

    sample = resources.files("trocar.clinical") / "departments" / "sample.yaml"
    wrong = 0
    for file in files or (*map(Path, builtin_protocols()), Path(str(sample))):
        mistakes = check_file(file)
        wrong += bool(mistakes)
        for mistake in mistakes:
            click.echo(str(mistake), err=True)
        if not mistakes and not quiet:
            click.echo(f"{Path(file).name}: no mistakes")
    if wrong:
        sys.exit(4)


@main.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port on 127.0.0.1."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for all data.")
@click.option("--demo", is_flag=True, help="Load and plan the sample cases.")
def serve(port: int, data: Path | None, demo: bool) -> None:
    """Show plans in a browser."""
    import platformdirs

    from trocar.web.server import serve as serve_folder

    serve_folder(data or Path(platformdirs.user_data_dir("trocar")), port, demo)


@main.command()
def warm() -> None:
    """Compile the planner's loops once, so that the first plan starts at once."""
    from trocar.workflow.warming import warm as compile_loops

    started = time.monotonic()
    compile_loops()
    click.echo(f"The planner's loops are compiled ({time.monotonic() - started:.0f} s).")


add_to(main)


def run(arguments: Sequence[str] | None = None, leave: Callable[[int], Any] = sys.exit) -> None:
    """The console entry point: known errors end as one sentence and their exit code."""
    try:
        code = main(arguments, standalone_mode=False)
        leave(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        click.echo("trocar: stopped.", err=True)
        leave(130)
    except click.ClickException as error:
        error.show()
        leave(2)
    except SeriesChoice as error:
        click.echo(f"trocar: {error}", err=True)
        for identifier, description in error.choices:
            click.echo(f"  --series {identifier}   {description}", err=True)
        leave(error.exit_code)
    except TrocarError as error:
        click.echo(f"trocar: {error}", err=True)
        leave(error.exit_code)
