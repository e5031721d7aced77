"""The referral: its forms, when it is complete, and how it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trocar.web.accounts.roles import Permission
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    DayField,
    LongWordsField,
    NHSNumberField,
    WordsField,
    YesNoField,
)
from trocar.web.cases.models import Case, Referral
from trocar.web.cases.models.referral import NOT_ASKED
from trocar.web.cases.protocols import protocol_named, protocol_names
from trocar.web.cases.registry import Entry, NextAction, Section, SectionState, once, register

YEARS = 365


class PatientForm(CaseForm):
    """Who the patient is."""

    nhs_number = NHSNumberField(hint="Ten digits. Leave it empty only if it is not known yet.")
    hospital_number = WordsField(label="Hospital number", max_length=30)
    family_name = WordsField(label="Family name", max_length=120, required=True)
    given_name = WordsField(label="Given name", max_length=120, required=True)
    birth_date = DayField(label="Date of birth", past=125 * YEARS, future=0, required=True)
    sex = ChoiceField(
        label="Sex, for reference ranges and clearance of medicines",
        choices=[("female", "Female"), ("male", "Male"), ("other", "Other or not known")], required=True,
    )  # fmt: skip
    phone = WordsField(label="Telephone", max_length=40)
    general_practice = WordsField(label="General practice", max_length=200)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if (
            not values.get("nhs_number")
            and not values.get("hospital_number")
            and "nhs_number" not in self.errors
        ):
            self.add_error(
                "nhs_number", "Give the NHS number or the hospital number; one of them must be known."
            )
        return values


class ReferralForm(CaseForm):
    """What is asked, and what has to be known to answer."""

    site = WordsField(label="Site", hint="For example, lower pole, L3, left iliac crest", max_length=120)
    side = ChoiceField(
        label="Side", choices=[("left", "Left"), ("right", "Right"), ("none", "No side: the midline")]
    )
    urgency = ChoiceField(
        label="Urgency",
        choices=[("routine", "Routine"), ("urgent", "Urgent"), ("emergency", "Emergency")],
        required=True,
    )
    indication = LongWordsField(label="Why is a biopsy wanted?", max_length=4000)
    question = LongWordsField(label="Question to the laboratory", max_length=2000)
    tests_done = LongWordsField(label="Tests already done, and what they showed", max_length=4000)
    alternatives_considered = LongWordsField(label="Alternatives considered", max_length=2000)
    no_known_allergies = YesNoField(
        label="Allergies", words=("None known", "There are allergies: list them below")
    )
    allergies = LongWordsField(label="Allergies, and what happens", max_length=2000)
    takes_blood_thinners = YesNoField(label="Does the patient take medicines that make bleeding more likely?")
    medicines = LongWordsField(label="All medicines, with doses", max_length=4000)
    weight_bearing_bone = YesNoField(label="Is the bone weight-bearing?")
    suspected_primary_bone_tumour = YesNoField(label="Is a primary bone tumour suspected?")
    interpreter_language = WordsField(
        label="Interpreter needed for", hint="Language, or empty for none", max_length=80
    )
    information_needs = LongWordsField(
        label="Accessible information needs",
        hint="Large print, easy read, sign language, carer and so on",
        max_length=2000,
    )
    contact = WordsField(label="Whom to ring about this referral", max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.case is not None and not asks_about_bone(self.case):
            del self.fields["weight_bearing_bone"], self.fields["suspected_primary_bone_tumour"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("no_known_allergies") and values.get("allergies"):
            self.add_error("allergies", "Allergies are listed, and yet “none known” is chosen.")
        if (
            values.get("no_known_allergies") is False
            and not values.get("allergies")
            and "allergies" not in self.errors
        ):
            self.add_error("allergies", "List the allergies and what happens.")
        if self.case is not None and self.case.protocol.side == "required" and values.get("side") == "none":
            self.add_error("side", f"A {self.case.protocol.title.lower()} has a side; choose left or right.")
        return values


class ProcedureForm(CaseForm):
    """Which procedure; asked once, as a case begins."""

    protocol_name = ChoiceField(label="Which biopsy?", choices=[], required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["protocol_name"].choices = [(n, protocol_named(n).title) for n in protocol_names()]


def asks_about_bone(case: Case) -> bool:
    """Whether the target of the procedure is bone, so that load-bearing and primary tumours matter."""
    from trocar.clinical.target_rules import NamedBone

    return isinstance(case.protocol.target, NamedBone)


def referral_of(case: Case) -> Referral | None:
    """The case's referral, if it has been written."""
    return Referral.objects.filter(case=case).select_related("changed_by").first()


def missing(case: Case, referral: Referral | None) -> tuple[str, ...]:
    """What a referral still needs, a sentence each."""
    if referral is None:
        return ("Nothing has been filled in yet.",)
    asked: list[tuple[str, Any]] = [
        ("The site is missing.", case.site),
        ("The indication is missing.", referral.indication),
        ("The question to the laboratory is missing.", referral.question),
        ("The tests already done are missing; write “none” if there are none.", referral.tests_done),
        ("Allergies are not asked.", referral.no_known_allergies),
        ("Medicines that make bleeding more likely are not asked.", referral.takes_blood_thinners),
    ]
    if case.protocol.side != "none" and not (case.protocol.side == "paired" and case.side == "none"):
        asked.append(("The side is missing.", case.side))
    if asks_about_bone(case):
        asked.append(("Whether the bone is weight-bearing is not asked.", referral.weight_bearing_bone))
        asked.append(
            (
                "Whether a primary bone tumour is suspected is not asked.",
                referral.suspected_primary_bone_tumour,
            )
        )
    return tuple(sentence for sentence, value in asked if value in (None, ""))


def _state(case: Case) -> SectionState:
    referral = once(case, referral_of)
    problems = missing(case, referral)
    if not problems:
        return SectionState("done", f"{case.what}; {case.get_urgency_display().lower()}")
    return SectionState("to do", case.what, problems, NextAction("Complete the referral", "referrer"))


def _facts(case: Case) -> Mapping[str, Any]:
    referral = once(case, referral_of)
    return {
        "referral.complete": not missing(case, referral),
        "referral.side": case.side or None,
        "referral.site": case.site or None,
        "referral.allergies": None
        if referral is None
        else (referral.allergies or referral.no_known_allergies),
        "referral.allergies_words": referral.allergies_words if referral else NOT_ASKED,
        "referral.indication": referral.indication if referral else None,
        "referral.question": referral.question if referral else None,
        "referral.suspected_primary_bone_tumour": referral.suspected_primary_bone_tumour
        if referral
        else None,
        "referral.weight_bearing_bone": referral.weight_bearing_bone if referral else None,
        "referral.takes_blood_thinners": referral.takes_blood_thinners if referral else None,
        "referral.interpreter_language": referral.interpreter_language if referral else "",
    }


def _entries(case: Case) -> Sequence[Entry]:
    referral = once(case, referral_of)
    if referral is None:
        return ()
    form = ReferralForm(case=case)
    rows = [
        ("Procedure", case.protocol.title),
        ("Side", case.side_words),
        ("Urgency", case.get_urgency_display()),
    ]
    rows.append(("Site", case.site or "not filled in"))
    for name, value in referral.values().items():
        if name in form.fields:
            field = form.fields[name]
            words = {None: "not asked", "": "not filled in"}.get(value, value)
            if isinstance(field, YesNoField) and value is not None:
                words = dict(field.choices)["yes" if value else "no"]
            rows.append((str(field.label), str(words)))
    return (Entry("Referral", tuple(rows), referral.changed_by.full_name, referral.changed_at),)


def register_section() -> None:
    """Called once as the application starts."""
    register(
        Section(
            "referral", "Referral", 10, Permission.SEE_CASES, "cases:referral", _state, _facts, _entries,
            shown_to_referrer=True,
        )
    )  # fmt: skip
