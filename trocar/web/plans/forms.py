"""The forms about a case's needle path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from trocar.clinical.plan_acceptance import side_refusals
from trocar.documents.naming import capital
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    HappenedField,
    LongWordsField,
    TickField,
    WordsField,
    YesNoField,
)
from trocar.web.plans.models import GUIDANCE_CHOICES, POSITION_CHOICES
from trocar.web.plans.sample_scans import SAMPLE_SCANS

MOST_FILES = 5000
"""A thin-slice CT has some 1,000."""


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; ``to_python`` of each, and a list of them."""

    widget = SeveralFiles
    widget_kind = "file"

    def __init__(self, *, hint: str = "", **kwargs: Any) -> None:
        self.hint = hint
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)
        self.error_messages["empty"] = "One of the files is empty; choose them again."

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if len(files) > MOST_FILES:
            raise forms.ValidationError(
                f"These are more than {MOST_FILES} files; choose one series, or a zip of it."
            )
        return [super(FilesField, self).clean(one, initial) for one in files]


class AskForm(CaseForm):
    """What to plan on, and how the needle is to go."""

    source = ChoiceField(label="Which CT?", choices=[], required=True)
    files = FilesField(
        label="CT files", hint="A zip of the series, its DICOM files, or one NIfTI file (.nii or .nii.gz)"
    )
    folder = ChoiceField(label="CT that lies on the server", choices=[], many=True)
    sample_scan = ChoiceField(label="Sample CT", choices=[], many=True)
    series = WordsField(label="Series, if the scan has several", hint="Its UID", max_length=64)
    structures = FilesField(
        label="Organs and bones", hint="NIfTI labels or masks, a DICOM SEG or an RTSTRUCT of the same scan"
    )
    folder_structures = ChoiceField(label="Organs and bones that lie on the server", choices=[], many=True)
    target_mask = FilesField(label="Lesion to be sampled", hint="A NIfTI mask, where the target is a lesion")
    target_name = WordsField(
        label="Structure to be sampled",
        hint="As the file of organs and bones names it, for example vertebrae_L3",
    )
    guidance = ChoiceField(label="Guidance", choices=[], required=True)
    position = ChoiceField(label="Position of the patient when the needle goes in", choices=[], required=True)
    needle = ChoiceField(label="Needle", choices=[], many=True, required=True)

    def __init__(self, *args: Any, incoming: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        protocol = self.case.protocol
        samples = [(s.key, s.title) for s in SAMPLE_SCANS.values() if s.protocol == self.case.protocol_name]
        sources = [("files", "Files from this computer")]
        if incoming:
            sources.append(("folder", "A CT that lies on the server"))
            self.fields["folder"].choices = [("", "Choose"), *((n, n) for n in incoming)]
            self.fields["folder_structures"].choices = [("", "Choose"), *((n, n) for n in incoming)]
        else:
            del self.fields["folder"], self.fields["folder_structures"]
        if self.case.is_sample and samples:
            sources.append(("sample", "A sample CT"))
            self.fields["sample_scan"].choices = [("", "Choose"), *samples]
        else:
            del self.fields["sample_scan"]
        self.fields["source"].choices = sources
        if protocol.target.kind == "organ_pole":
            # the protocol's own target needs no name; a lesion in the organ may still be given
            del self.fields["target_name"]
        guidances, positions = dict(GUIDANCE_CHOICES), dict(POSITION_CHOICES)
        self.fields["guidance"].choices = [(g, guidances[g]) for g in protocol.guidance]
        self.fields["position"].choices = [(p, positions[p]) for p in protocol.positions]
        self.fields["needle"].choices = [("", "Choose"), *((n.name, n.name) for n in protocol.needles)]
        if not self.is_bound:
            self.initial.setdefault("source", "sample" if "sample_scan" in self.fields else "files")
            self.initial.setdefault("guidance", protocol.default_guidance)
            self.initial.setdefault("position", protocol.default_position)
            self.initial.setdefault("needle", protocol.needle(None).name)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        source = values.get("source")
        needed = {"files": "files", "folder": "folder", "sample": "sample_scan"}.get(source or "")
        if needed and not values.get(needed) and needed not in self.errors:
            self.add_error(needed, "Choose what is to be planned on.")
        protocol, side = self.case.protocol, self.case.side
        if side == "" and protocol.side != "none":
            self.add_error(None, "The case does not say its side; complete the referral first.")
        if source in ("files", "folder"):
            has_structures = values.get("structures") or values.get("folder_structures")
            if (
                protocol.target.kind == "organ_pole"
                and not has_structures
                and "structures" not in self.errors
            ):
                self.add_error(
                    "structures", "Give the organs and bones: without them nobody knows where the organ is."
                )
            if protocol.target.kind != "organ_pole" and not (
                values.get("target_mask") or values.get("target_name")
            ):
                self.add_error(
                    "target_mask", "Say what is to be sampled: a lesion, or a structure by its name."
                )
        if len(values.get("target_mask") or ()) > 1:
            self.add_error("target_mask", "Give one lesion.")
        if values.get("target_mask") and values.get("target_name"):
            self.add_error("target_mask", "Give a lesion or a structure's name, not both.")
        return values


class AcceptForm(CaseForm):
    """One confirmation each for what must not be overlooked."""

    def __init__(
        self,
        *args: Any,
        warnings: Mapping[str, str],
        target: str,
        rehearsal: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.codes = list(warnings)
        for code, sentence in warnings.items():
            self.fields[f"confirm_{code}"] = TickField(label=sentence)
        site = self.case.site or "not given"
        self.fields["site_agrees"] = TickField(
            label=f"The target of this path, “{target}”, is the site of the referral: “{site}”", required=True
        )
        self.fields["site_agrees"].error_messages["required"] = (
            "Confirm that the target is the site of the referral, or correct the referral."
        )
        if rehearsal:
            self.fields["rehearsal"] = TickField(
                label="For rehearsal only: the needle goes in after a scan in position has shown the path clear",
                required=True,
            )
            self.fields["rehearsal"].error_messages["required"] = (
                "Confirm that this path is for rehearsal only."
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.case.site:
            self.add_error(None, "The referral does not say the site; complete it first.")
        return values

    def confirmed(self) -> list[str]:
        """Codes of the warnings that were confirmed."""
        return [code for code in self.codes if self.cleaned_data.get(f"confirm_{code}")]


class CheckScanForm(CaseForm):
    """What the scan in position showed of each organ that was not judged."""

    happened_at = HappenedField(label="When the scan was made, if not now")

    def __init__(self, *args: Any, organs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organs = list(organs)
        for number, organ in enumerate(self.organs):
            self.fields[f"organ_{number}"] = YesNoField(
                label=f"Is the path clear of this on the scan in position: {organ.lower()}?", required=True
            )
        self.order_fields([*(f"organ_{n}" for n in range(len(self.organs))), "happened_at"])

    def found_clear(self) -> dict[str, bool]:
        return {organ: bool(self.cleaned_data[f"organ_{n}"]) for n, organ in enumerate(self.organs)}


class TableForm(CaseForm):
    """The needle path of a case that is planned at the table, without a CT."""

    side = ChoiceField(
        label="Side",
        choices=[("left", "Left"), ("right", "Right"), ("none", "No side: the midline")],
        required=True,
    )
    site = WordsField(label="Pole or site", max_length=120, required=True, hint="As in the referral")
    guidance = ChoiceField(label="Guidance", choices=[], required=True)
    position = ChoiceField(label="Position of the patient", choices=[], required=True)
    needle = ChoiceField(label="Needle", choices=[], many=True, required=True)
    images_saved = YesNoField(label="Are images of the planned path saved?")
    notes = LongWordsField(label="Notes", hint="Depth, entry, what is near", max_length=2000)
    happened_at = HappenedField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        protocol = self.case.protocol
        guidances, positions = dict(GUIDANCE_CHOICES), dict(POSITION_CHOICES)
        self.fields["guidance"].choices = [(g, guidances[g]) for g in protocol.guidance]
        self.fields["position"].choices = [(p, positions[p]) for p in protocol.positions]
        self.fields["needle"].choices = [("", "Choose"), *((n.name, n.name) for n in protocol.needles)]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        side, case_side = values.get("side"), self.case.side
        if side:
            for sentence in side_refusals(case_side, None if side == "none" else side):
                self.add_error("side", sentence.replace("The plan is", "This is").replace("The plan", "This"))
        if side == "none" and self.case.protocol.side == "required":
            self.add_error("side", f"A {self.case.protocol.title.lower()} has a side; choose left or right.")
        site = values.get("site")
        if site and self.case.site and site.casefold() != self.case.site.casefold():
            self.add_error(
                "site", f"The referral says {self.case.site}; write the same, or correct the referral."
            )
        return values


class WithdrawForm(CaseForm):
    """Why the decision is withdrawn."""

    reason = LongWordsField(label="Why?", max_length=1000, required=True)


def words_of(form: AskForm) -> list[tuple[str, str]]:
    """What was asked, as label and value, for the record. File names stay out of it: they may hold a patient's name."""
    values = form.cleaned_data
    source = {
        "files": f"{len(values.get('files') or ())} uploaded file(s)",
        "folder": f"on the server: {values.get('folder')}",
        "sample": dict(form.fields["sample_scan"].choices).get(values.get("sample_scan"), "")
        if "sample_scan" in form.fields
        else "",
    }[values["source"]]
    pairs = [("CT", source)]
    for name in ("series", "target_name", "guidance", "position", "needle"):
        if values.get(name):
            field = form.fields[name]
            shown = dict(getattr(field, "choices", ())).get(values[name], values[name])
            pairs.append((str(field.label), capital(str(shown))))
    if values.get("target_mask"):
        pairs.append(("Lesion", "given as a mask"))
    return pairs
