"""The command line from end to end on the made-up patient, and the page that describes it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import jsonschema
import pydicom
import pytest

from tests.integration.patient_files import trocar, write_patient
from trocar.cli import EXIT_CODES, main

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "plan.schema.json").read_text(encoding="utf-8"))

TIMES = {
    "InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime", "SeriesDate", "SeriesTime",
    "StructureSetDate", "AcquisitionDateTime", "DateTime", "ObservationDateTime", "TimezoneOffsetFromUTC",
    "ContributionDateTime", "DateOfSecondaryCapture", "TimeOfSecondaryCapture",
}  # fmt: skip
"""Elements of a DICOM object that say when it was made."""


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_patient(tmp_path_factory.mktemp("patient"))


def question(patient: tuple[Path, Path], out: Path, *more: str) -> list[object]:
    ct, labels = patient
    return [
        "plan", ct, "--protocol", "kidney_biopsy", "--side", "left", "--structures", labels,
        "--needle", "18G gun 150 mm", "--out", out, *more,
    ]  # fmt: skip


def command(arguments: list[object], threads: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own."""
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    return subprocess.run(
        [sys.executable, "-m", "trocar", *map(str, arguments)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def twice(
    patient: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, subprocess.CompletedProcess[str]]]:
    """The same question with two threads and with one, printed as JSON and not at all."""
    folder = tmp_path_factory.mktemp("twice")
    return [
        (folder / "two", command(question(patient, folder / "two", "--json"), 2)),
        (folder / "one", command(question(patient, folder / "one", "--quiet"), 1)),
    ]


def test_it_plans_and_writes_everything(twice: list[tuple[Path, subprocess.CompletedProcess[str]]]) -> None:
    out, done = twice[0]
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(path.name for path in out.iterdir()) == ["dicom", "plan.html", "plan.json", "plan.pdf"]
    assert (out / "plan.pdf").read_bytes().startswith(b"%PDF")
    kinds = {pydicom.dcmread(p, stop_before_pixels=True).Modality for p in (out / "dicom").iterdir()}
    assert {"CT", "SEG", "SR"} <= kinds  # NIfTI has no study, so a derived CT stands for it


def test_json_is_what_stands_in_plan_json_and_quiet_says_nothing(
    twice: list[tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    out, done = twice[0]
    assert json.loads(done.stdout) == json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert (twice[1][1].returncode, twice[1][1].stdout, twice[1][1].stderr) == (0, "", "")


def test_plan_json_follows_its_schema(twice: list[tuple[Path, subprocess.CompletedProcess[str]]]) -> None:
    report = json.loads((twice[0][0] / "plan.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA)
    assert [path["rank"] for path in report["paths"]] == list(range(1, len(report["paths"]) + 1))
    assert report["needle"]["name"] == "18G gun 150 mm"
    assert set(report["provenance"]["inputs"]) >= {"image", "structures", "protocol"}


def test_one_thread_and_two_give_the_same_plan_to_the_byte(
    twice: list[tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    texts = []
    for out, _ in twice:
        report = json.loads((out / "plan.json").read_text(encoding="utf-8"))
        assert set(report["provenance"]["run"]) == {"made_at", "host", "system", "seconds"}
        del report["provenance"]["run"]
        texts.append(json.dumps(report, indent=1, ensure_ascii=False))
    assert texts[0] == texts[1]


def test_dicom_objects_differ_by_their_time_of_making_only(
    twice: list[tuple[Path, subprocess.CompletedProcess[str]]],
) -> None:
    folders = [out / "dicom" for out, _ in twice]
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert names[0] == names[1]
    for name in names[0]:
        one, other = (pydicom.dcmread(folder / name) for folder in folders)
        assert one.SOPInstanceUID == other.SOPInstanceUID
        for each in (one, other):
            _forget_times(each)
            if "EncapsulatedDocument" in each:  # a PDF bears its date
                del each.EncapsulatedDocument
        assert one == other, name


def _forget_times(data: pydicom.Dataset) -> None:
    for element in list(data):
        if element.keyword in TIMES or (
            element.VR in ("DA", "TM", "DT") and element.keyword.startswith("Instance")
        ):
            del data[element.tag]
        elif element.VR == "SQ":
            for item in element.value:
                _forget_times(item)


def test_no_path_of_the_machine_stands_in_what_is_written(
    twice: list[tuple[Path, subprocess.CompletedProcess[str]]], patient: tuple[Path, Path]
) -> None:
    for name in ("plan.json", "plan.html"):
        assert str(patient[0].parent) not in (twice[0][0] / name).read_text(encoding="utf-8")


def test_a_second_plan_replaces_the_first_whole_and_leaves_other_files_alone(
    patient: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "old.dcm").write_bytes(b"old")
    (tmp_path / "plan.json").write_text("{}")
    assert trocar(*question(patient, tmp_path, "--no-dicom")) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "notes.txt",
        "plan.html",
        "plan.json",
        "plan.pdf",
    ]
    said = capfd.readouterr().out
    assert "Kidney biopsy, left: lower pole cortex of kidney_left" in said
    assert "Research software, not for clinical use" in said
    assert "Sample values" in said
    assert re.search(r"\d+ paths within the protocol's limits, of [\d,]+ judged", said)
    assert "safe" not in said.lower()
    assert "dicom/" not in said


# --- help and the page --------------------------------------------------------------------------------------------


def test_help_names_the_exit_codes_and_gives_examples(capfd: pytest.CaptureFixture[str]) -> None:
    assert trocar("--help") == 0
    top = capfd.readouterr().out
    assert trocar("plan", "--help") == 0
    plan = capfd.readouterr().out
    for code in range(5):
        assert re.search(rf"^\s+{code}  \S", top, re.MULTILINE)
        assert re.search(rf"^\s+{code}  \S", plan, re.MULTILINE)
    assert plan.count("trocar plan ") >= 4
    assert "completion" in top
    assert trocar("--version") == 0
    assert re.search(r"\d+\.\d+", capfd.readouterr().out)


def test_completion_scripts_are_made() -> None:
    environment = {**os.environ, "_TROCAR_COMPLETE": "zsh_source"}
    code = "import sys; sys.argv = ['trocar']; from trocar.cli import main; main(prog_name='trocar')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "#compdef trocar" in done.stdout


def commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command_ in main.commands.items():
        if isinstance(command_, click.Group):
            found += [(f"{name} {sub}", each) for sub, each in command_.commands.items()]
        else:
            found.append((name, command_))
    return found


@pytest.mark.parametrize(("name", "of"), commands(), ids=[name for name, _ in commands()])
def test_the_page_has_every_command_and_option(name: str, of: click.Command) -> None:
    group = name.split()[0]
    heading = next(line for line in PAGE.splitlines() if line.startswith("## ") and f"trocar {group}" in line)
    section = PAGE[PAGE.index(heading) :].split("\n## ")[0]
    for parameter in of.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            if option not in ("-h", "--help"):
                assert f"`{option}" in section, option
    if " " in name:
        assert f"`{name.split()[1]}" in section


def test_the_page_has_no_option_that_is_not_there() -> None:
    there = {o for _, each in commands() for p in each.params for o in p.opts} | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= there


def test_the_page_has_the_exit_codes_of_the_help() -> None:
    codes = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "130"]
    assert re.findall(r"^\s+(\d)  ", EXIT_CODES, re.MULTILINE) == codes[:5]


def test_the_page_has_the_keys_of_the_schema() -> None:
    body = PAGE[PAGE.index("### plan.json") : PAGE.index("## trocar segment")]
    plan, path = body.split("Each of `paths` and `nearest`:")
    for text, properties in ((plan, SCHEMA["properties"]), (path, SCHEMA["$defs"]["path"]["properties"])):
        rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        keys = [key for row in rows for key in re.findall(r"`(\w+)`", row)]
        assert keys == list(properties)


@pytest.mark.samples
def test_samples_are_listed_with_licence_and_source(capfd: pytest.CaptureFixture[str]) -> None:
    assert trocar("samples", "list", "--json") == 0
    rows = json.loads(capfd.readouterr().out)
    assert {row["name"] for row in rows} >= {"abdomen_ct", "abdomen_labels", "chest_ct", "chest_labels"}
    assert all(row["licence"] and row["source"] and row["fetched"] for row in rows)
    assert trocar("samples", "path", "abdomen_ct") == 0
    assert Path(capfd.readouterr().out.strip()).is_file()


def test_the_files_that_come_with_trocar_have_no_mistakes(capfd: pytest.CaptureFixture[str]) -> None:
    assert trocar("protocols", "check") == 0
    said = capfd.readouterr().out
    for name in ("kidney_biopsy", "bone_biopsy", r"sample\.yaml"):
        assert re.search(rf"^{name}(\.yaml)?: no mistakes$", said, re.MULTILINE)


def test_segment_writes_labels_and_their_names(
    patient: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert trocar("segment", patient[0], "--out", tmp_path / "seen.nii.gz") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seen.csv", "seen.nii.gz"]
    names = (tmp_path / "seen.csv").read_text().split()
    assert names[0] == "id,structure"
    assert any(row.endswith(",body") for row in names)
    assert re.search(r"body: \d+ ml", capfd.readouterr().out)
