"""Finds the DICOM files in folders, zip archives and lists of files, and reads their headers.

Nothing is extracted or written; what is no CT image is set aside with a sentence that says so.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    MediaStorageDirectoryStorage,
)

from trocar.errors import InputRefused, UsageError

CT_IMAGES = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
MULTI_FRAME_CT = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")

MAX_ZIP_FILES = 100_000
MAX_ZIP_BYTES = 8 << 30
"""Unpacked size of a zip; the largest CT examinations are about a quarter of it."""
MAX_ZIP_RATIO = 100
"""CT packs to a third or a half, and blank slices to a hundredth; bombs reach a thousand and more."""
ALWAYS_UNPACKED_BYTES = 256 << 20
"""A zip that unpacks to less is read however well it is packed."""
KEPT_ZIP_BYTES = 1 << 30
"""Unpacked files are kept in memory up to this sum; beyond it they are unpacked a second time."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A file on disk, or one in a zip (``archive`` and ``member``). ``name``: as shown to the user."""

    name: str
    path: Path
    member: zipfile.ZipInfo | None = None
    kept: list[bytes] = field(default_factory=list)

    def open(self) -> BinaryIO:
        """A seekable stream of the content. Raises InputRefused where a zip member is damaged."""
        if self.member is None:
            return self.path.open("rb")
        return io.BytesIO(self.kept[0] if self.kept else self._unpack())

    def _unpack(self) -> bytes:
        assert self.member is not None
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                return stream.read(self.member.file_size)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ) as error:
            raise InputRefused(
                f"{self.name} in {self.path.name} cannot be unpacked: it is damaged or encrypted."
            ) from error

    def keep(self) -> int:
        """Hold an unpacked zip member in memory; returns its size."""
        if self.member is None or self.kept:
            return 0
        self.kept.append(self._unpack())
        return len(self.kept[0])

    def forget(self) -> None:
        """Let go of what ``keep`` holds."""
        self.kept.clear()

    def sha256(self) -> str:
        """Hash of the content."""
        with self.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, eq=False)
class CtFile:
    """A CT image file: its header, and where its pixel data element starts.

    header: without pixel data. pixel_offset: byte in the file where the Pixel Data element begins, None where
    the whole data set is deflated.
    """

    source: SourceFile
    header: Dataset
    pixel_offset: int | None

    @property
    def name(self) -> str:
        """As shown to the user."""
        return self.source.name


@dataclass(frozen=True)
class Scan:
    """What was found: CT files in the order of their names, and sentences about what was set aside."""

    files: tuple[CtFile, ...]
    notices: tuple[str, ...]


def scan(paths: Sequence[Path], progress: Progress | None = None) -> Scan:
    """Read the header of every CT image in folders (searched through), zips and files.

    Raises InputRefused where a path does not exist, a zip is damaged or unpacks to too much, a named file is
    no CT image, a DICOM file is cut short, or there is no CT image at all; UsageError where no path is given.
    """
    if not paths:
        raise UsageError("Name a folder, a zip or files with a CT.")
    sources = _unique(source for path in paths for source in _sources(Path(path)))
    aside: Counter[str] = Counter()
    found: list[CtFile] = []
    kept_bytes = 0
    for done, source in enumerate(sources, start=1):
        if kept_bytes < KEPT_ZIP_BYTES:
            kept_bytes += source.keep()
        header = _read_header(source, aside)
        if header is None:
            source.forget()
        else:
            found.append(header)
        if progress is not None:
            progress(done, 2 * len(sources))
    if not found:
        raise InputRefused(_nothing_found(paths, aside))
    notices = tuple(f"{_files(count)} set aside: {kind}." for kind, count in sorted(aside.items()))
    return Scan(tuple(found), notices)


def _files(count: int) -> str:
    return "1 file was" if count == 1 else f"{count} files were"


def _nothing_found(paths: Sequence[Path], aside: Counter[str]) -> str:
    where = Path(paths[0]).name or str(paths[0])
    if len(paths) > 1:
        where += f" and {len(paths) - 1} more"
    if not aside:
        return f"{where} holds no file; name a folder, a zip or files with a CT."
    if aside.total() == 1:
        return f"{where} is not a CT image: it is {next(iter(aside))}."
    kinds = ", ".join(f"{count} x {kind}" for kind, count in sorted(aside.items()))
    return f"{where} holds no CT image, only: {kinds}."


def _unique(sources: Iterator[SourceFile]) -> list[SourceFile]:
    """The same file named twice (itself and its folder) counts once."""
    seen: dict[tuple[str, str | None], SourceFile] = {}
    for source in sources:
        key = (os.path.realpath(source.path), source.member and source.member.filename)
        seen.setdefault(key, source)
    return list(seen.values())


def _sources(path: Path) -> Iterator[SourceFile]:
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder) / name
                if not _hidden(name) and file.is_file():
                    yield SourceFile(file.relative_to(path).as_posix(), file)
    elif not path.is_file():
        raise InputRefused(f"There is no file or folder {path}.")
    elif zipfile.is_zipfile(path):
        yield from _zip_members(path)
    else:
        yield SourceFile(path.name, path)


def _hidden(name: str) -> bool:
    return (name.startswith(".") and name not in (".", "..")) or name in ("Thumbs.db", "desktop.ini")


def _zip_members(path: Path) -> Iterator[SourceFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputRefused(f"{path.name} is a damaged zip; copy or download it again.") from error
    unpacked = sum(m.file_size for m in members)
    # The size on disk, not the members' own word: bombs let many members share the same packed bytes.
    packed = max(1, path.stat().st_size)
    if len(members) > MAX_ZIP_FILES or unpacked > MAX_ZIP_BYTES:
        raise InputRefused(
            f"{path.name} would unpack to {len(members)} files and {unpacked / 2**30:.1f} GiB, which is more than a "
            f"CT examination holds; unpack it yourself and name the folder of one series."
        )
    if unpacked > ALWAYS_UNPACKED_BYTES and unpacked > MAX_ZIP_RATIO * packed:
        raise InputRefused(
            f"{path.name} would unpack to {unpacked // packed} times its size, as no CT does; it is refused."
        )
    for member in sorted(members, key=lambda m: m.filename):
        parts = PurePosixPath(member.filename).parts
        if not any(_hidden(part) or part == "__MACOSX" for part in parts):
            yield SourceFile(member.filename, path, member)


def _read_header(source: SourceFile, aside: Counter[str]) -> CtFile | None:
    """The header of a CT image, or None after counting in ``aside`` what the file is instead."""
    try:
        stream = source.open()
    except OSError as error:
        raise InputRefused(f"{source.name} cannot be opened ({error.strerror}).") from error
    with stream:
        start = stream.read(136)
        marked = start[128:132] == b"DICM"
        if not marked and not _looks_like_bare_dicom(start):
            kind = _foreign_kind(source, start)
            # One slice that lost its beginning must not vanish without a word.
            if source.name.lower().endswith(DICOM_SUFFIXES):
                raise InputRefused(f"{source.name} is {kind} inside; remove it or copy it again.")
            aside[kind] += 1
            return None
        stream.seek(0)
        try:
            header = dcmread(stream, stop_before_pixels=True, force=not marked)
            offset: int | None = stream.tell()
            sop_class = _sop_class(header)
            deflated = header.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
            if deflated and sop_class in CT_IMAGES:
                stream.seek(0)
                header = dcmread(stream, force=not marked)
                offset = None
                has_pixels = "PixelData" in header
                header.pop("PixelData", None)
            else:
                stream.seek(offset or 0)
                has_pixels = stream.read(4) in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
        # pydicom raises errors of many kinds on broken files; all mean the same to the user.
        except Exception as error:
            raise InputRefused(f"{source.name} is cut short or damaged; copy it again.") from error
    if sop_class not in CT_IMAGES:
        kind = _other_dicom_kind(header, sop_class)
        if any(kind.startswith(sop_class) for kind in CT_IMAGES):  # cut off inside the UID, or before it
            raise InputRefused(f"{source.name} is cut short or damaged: it does not say what it holds.")
        aside[kind] += 1
        return None
    if not has_pixels:
        raise InputRefused(f"{source.name} is cut short or damaged: it holds no pixels; copy it again.")
    return CtFile(source, header, offset)


def _sop_class(header: Dataset) -> UID:
    """What the data set says it is, or its file meta information where it says nothing or was cut off there."""
    own = str(header.get("SOPClassUID") or "")
    outer = str(header.file_meta.get("MediaStorageSOPClassUID") or "")
    # a data set that clearly says MR is no CT, whatever stands in front of it
    return UID(outer if outer.startswith(own) else own)


def _looks_like_bare_dicom(start: bytes) -> bool:
    """DICOM without its 128-byte preamble begins with an element of group 2 or 8, little or big endian."""
    return start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00" and start[4:6] != b"\x00\x00"


def _foreign_kind(source: SourceFile, start: bytes) -> str:
    if not start:
        return "an empty file"
    if start.startswith(b"%PDF"):
        return "a PDF"
    if start.startswith(b"PK\x03\x04"):
        return "a zip inside the folder, which is not opened"
    suffix = PurePosixPath(source.name).suffix.lower()
    return f"not DICOM ({suffix})" if suffix else "not DICOM"


def _other_dicom_kind(header: Dataset, sop_class: UID) -> str:
    if sop_class == MediaStorageDirectoryStorage:
        return "a DICOMDIR, which only lists other files"
    modality = str(header.get("Modality") or "").strip()
    name = (
        sop_class.name.removesuffix(" Storage") if sop_class.name != sop_class else "DICOM of an unknown kind"
    )
    return f"{name} ({modality})" if modality else name
