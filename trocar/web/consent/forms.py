"""Forms of consent. Nothing is chosen beforehand, and everything may be left for later: what is missing is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms

from trocar.clinical.consent_words import RiskShown
from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission
from trocar.web.cases import clock
from trocar.web.cases.forms import (
    CaseForm,
    ChoiceField,
    HappenedField,
    LongWordsField,
    MomentField,
    TickField,
    WordsField,
    YesNoField,
)
from trocar.web.consent.models.leaflet_given import CHANNELS
from trocar.web.consent.standing import Standing

SIDES = [("left", "Left"), ("right", "Right"), ("none", "No side: the midline")]
REFERRED_SITE = "as referred"
MONTH_H = 24 * 31


@dataclass(frozen=True)
class Group:
    """Fields of a form under one heading. risk: what stands above a risk's field."""

    heading: str
    words: tuple[str, ...]
    fields: tuple[tuple[Any, RiskShown | None], ...]


def people_who_may(permission: Permission) -> list[tuple[str, str]]:
    """People in service whose role has a permission, for a list to choose from."""
    roles = [key for key, role in ROLES.items() if permission in role.permissions]
    found = Person.objects.filter(role__in=roles, is_active=True).order_by("full_name")
    return [(str(person.pk), person.full_name) for person in found]


def field_of(prefix: str, name: str) -> str:
    """Name of the field for one risk or alternative."""
    return f"{prefix}_{name.replace(' ', '_')}"


class StageOneForm(CaseForm):
    """What is talked through before the CT."""

    explained_by = ChoiceField(label="Who explains", choices=[], many=True)
    happened_at = MomentField(
        label="When it was explained", hint="Leave it empty for now", past=MONTH_H, future=0
    )
    indication = LongWordsField(label="Why the biopsy is advised, as it was explained", max_length=4000)
    site_said = ChoiceField(label="Site that was explained", choices=[])
    other_site = WordsField(label="Which other site", max_length=120)
    side = ChoiceField(label="Side that was explained", choices=SIDES)
    matters = LongWordsField(
        label="What matters to the patient",
        hint="In their words: work, caring for somebody, fears, what they hope for",
    )
    benefits_explained = YesNoField(label="Were the benefits explained?")
    without_explained = YesNoField(label="Was it explained what follows from not having it?")
    blood_products = ChoiceField(
        label="Blood and blood products", choices=[("accepts", "Accepts"), ("refuses", "Refuses")]
    )
    instead_of_blood = LongWordsField(label="If refused: what was agreed instead", max_length=2000)
    sedation = ChoiceField(
        label="Sedation",
        choices=[("none planned", "None planned"), ("agreed", "Agreed"), ("declined", "Declined")],
    )
    sample_use = ChoiceField(
        label="What the sample may be used for",
        choices=[
            ("diagnosis only", "For the diagnosis only"),
            ("diagnosis and research", "For the diagnosis, and for research"),
        ],
    )
    x_rays = YesNoField(label="Are X-rays or CT used, for planning or on the day?")
    radiation_explained = YesNoField(label="If so: was radiation explained?")
    capacity = ChoiceField(
        label="Capacity to decide this",
        hint="Presumed, unless there is a reason to doubt it",
        choices=[("has capacity", "Has capacity"), ("lacks capacity", "Lacks capacity")],
    )
    capacity_assessed = LongWordsField(label="How lack of capacity was found", max_length=2000)
    decided_by = WordsField(label="Who decided in the patient's best interests", max_length=300)
    consulted = LongWordsField(
        label="Who was consulted", hint="Family, friends, carers, an advocate", max_length=2000
    )
    best_interests_reasons = LongWordsField(
        label="Why it is in the patient's best interests", max_length=2000
    )
    no_refusal_known = YesNoField(
        label="Was it checked that no advance refusal, attorney or deputy stands against it?"
    )
    interpreter = ChoiceField(
        label="Interpreter",
        choices=[
            ("not needed", "Not needed"),
            ("present", "Needed and present"),
            ("needed, not there", "Needed, and not there"),
        ],
    )
    interpreter_who = WordsField(
        label="Who interpreted", hint="Name or number of the service", max_length=200
    )
    information_needs = LongWordsField(
        label="Accessible information: what the patient needs",
        hint="Large print, easy read, sign language, carer and so on; write “none” where there is no need",
        max_length=2000,
    )
    information_needs_met = YesNoField(label="Were these needs met?")
    leaflet = ChoiceField(
        label="Leaflet the patient had", hint="Of those recorded as given", choices=[], many=True
    )
    leaflet_read = YesNoField(label="Has the patient read it, or had it read to them?")
    agrees = YesNoField(label="Does the patient (or whoever decides for them) agree to go on?")

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing = standing
        rules = standing.rules
        stored = standing.one.explained_by if standing.one else None
        people = dict(people_who_may(Permission.TAKE_CONSENT))
        if stored is not None:
            # whoever explained may have left since
            people.setdefault(str(stored.pk), stored.full_name)
        self.fields["explained_by"].choices = [("", "Choose"), *people.items()]
        asked = standing.case.site
        self.fields["site_said"].choices = [
            *([(REFERRED_SITE, f"As referred: {asked}")] if asked else []), ("another", "Another site"),
        ]  # fmt: skip
        given = dict.fromkeys(leaflet.identifier for leaflet in standing.leaflets)
        self.fields["leaflet"].choices = [("", "Choose"), *((i, i) for i in given)]
        for shown in standing.risks:
            risk = shown.risk
            name = field_of("risk", risk.name)
            if risk.only_where:
                self.fields[name] = ChoiceField(
                    label=risk.title,
                    choices=[("explained", "Explained"), ("not here", f"Does not apply: only for {risk.only_where}")],
                )  # fmt: skip
                self.fields[field_of("why", risk.name)] = WordsField(
                    label=f"Why “{risk.title}” does not apply", max_length=200
                )
            else:
                self.fields[name] = TickField(label=f"Explained: {risk.title}")
        for told in rules.alternatives:
            self.fields[field_of("alternative", told.name)] = TickField(
                label=f"Explained: {told.title}", hint=told.words.value
            )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        _ask_other_site(self, values, "Say which other site was explained.")
        if values.get("other_site") and values.get("site_said") == REFERRED_SITE:
            self.add_error("other_site", "Another site is written here, and yet “as referred” is chosen.")
        for shown in self.standing.risks:
            name, why = field_of("risk", shown.risk.name), field_of("why", shown.risk.name)
            if values.get(name) == "not here" and not values.get(why) and why not in self.errors:
                self.add_error(why, "Say why this risk does not apply to this patient.")
        if values.get("instead_of_blood") and values.get("blood_products") == "accepts":
            self.add_error(
                "instead_of_blood", "An alternative to blood is written here, and yet blood is accepted."
            )
        return values

    def columns(self) -> dict[str, Any]:
        """The cleaned values as the columns of ConsentStageOne."""
        values = self.record_values()
        risks, not_here = [], {}
        for shown in self.standing.risks:
            answer = values.pop(field_of("risk", shown.risk.name))
            why = values.pop(field_of("why", shown.risk.name), "")
            if answer in (True, "explained"):
                risks.append(shown.risk.name)
            elif answer == "not here":
                not_here[shown.risk.name] = why
        alternatives = [
            told.name
            for told in self.standing.rules.alternatives
            if values.pop(field_of("alternative", told.name))
        ]
        other = values.pop("other_site")
        said = values.pop("site_said")
        values["site"] = (
            other if said == "another" else self.standing.case.site if said == REFERRED_SITE else ""
        )
        values["explained_by"] = (
            Person.objects.get(pk=int(values["explained_by"])) if values["explained_by"] else None
        )
        values["explained_at"] = self.cleaned_data["happened_at"] or clock.now()
        return {**values, "risks": risks, "not_here": not_here, "alternatives": alternatives}

    def groups(self) -> Iterator[Group]:
        """The fields in order, under headings."""
        rules = self.standing.rules

        def plain(heading: str, *names: str, words: tuple[str, ...] = ()) -> Group:
            return Group(heading, words, tuple((self[name], None) for name in names))

        yield plain("Who explains, and when", "explained_by", "happened_at")
        yield plain("What, and where", "indication", "site_said", "other_site", "side", "matters")
        yield plain(
            "Benefits",
            "benefits_explained",
            words=tuple(f"{b.title}: {b.words.value}" for b in rules.benefits),
        )
        risks = []
        for shown in self.standing.risks:
            risks.append((self[field_of("risk", shown.risk.name)], shown))
            if shown.risk.only_where:
                risks.append((self[field_of("why", shown.risk.name)], None))
        yield Group("Risks", (), tuple(risks))
        yield plain("Without it", "without_explained", words=(rules.without.value,))
        yield plain(
            "What else there is", *(field_of("alternative", told.name) for told in rules.alternatives)
        )
        yield plain("Blood", "blood_products", "instead_of_blood", words=(rules.blood_products.value,))
        yield plain("Sedation", "sedation", words=(rules.sedation.value,))
        radiation = rules.radiation
        said = () if radiation is None else (
            radiation.words.value,
            f"One procedure under CT: {radiation.low_msv.value:g} to {radiation.high_msv.value:g} mSv.",
        )  # fmt: skip
        yield plain("X-rays", "x_rays", "radiation_explained", words=said)
        yield plain("The sample", "sample_use", words=(rules.sample_use.value,))
        yield plain("Leaflet", "leaflet", "leaflet_read")
        yield plain(
            "Understanding", "interpreter", "interpreter_who", "information_needs", "information_needs_met"
        )
        yield plain("Capacity", "capacity")
        yield plain(
            "Only where the patient lacks capacity",
            "capacity_assessed", "decided_by", "consulted", "best_interests_reasons", "no_refusal_known",
        )  # fmt: skip
        yield plain("Decision", "agrees")


def start_of(standing: Standing) -> dict[str, Any]:
    """Initial values of the fields that are no columns of their own. Nothing is chosen where nothing is stored."""
    one = standing.one
    if one is None:
        return {}
    start: dict[str, Any] = {"explained_by": one.explained_by_id or "", "happened_at": one.explained_at}
    if one.site:
        referred = one.site == standing.case.site
        start["site_said"] = REFERRED_SITE if referred else "another"
        start["other_site"] = "" if referred else one.site
    for shown in standing.risks:
        name = shown.risk.name
        explained = name in one.risks
        if shown.risk.only_where:
            start[field_of("risk", name)] = (
                "explained" if explained else "not here" if name in one.not_here else ""
            )
            start[field_of("why", name)] = one.not_here.get(name, "")
        else:
            start[field_of("risk", name)] = explained
    for told in standing.rules.alternatives:
        start[field_of("alternative", told.name)] = told.name in one.alternatives
    return start


class StageTwoForm(CaseForm):
    """The confirmation, once a plan is accepted and before sedation."""

    plan = forms.CharField(widget=forms.HiddenInput, max_length=200, required=False)
    stage_one_version = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1
    )
    confirmed_by = ChoiceField(label="Who confirms", choices=[], many=True, required=True)
    happened_at = MomentField(
        label="When it was confirmed", hint="Leave it empty for now", past=MONTH_H, future=0
    )
    side = ChoiceField(label="Which side does the patient name?", choices=SIDES, required=True)
    site_said = ChoiceField(label="Which site does the patient name?", choices=[], required=True)
    other_site = WordsField(label="Which other site", max_length=120)
    nearby_explained = YesNoField(label="Was it explained what lies near the needle's path?", required=True)
    nothing_changed = YesNoField(label="Has nothing changed since stage 1 that matters?", required=True)
    before_sedation = YesNoField(label="Is this confirmed before any sedation is given?", required=True)
    still_agrees = YesNoField(
        label="Does the patient (or whoever decides for them) still agree?", required=True
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing = standing
        self.fields["confirmed_by"].choices = [("", "Choose"), *people_who_may(Permission.CONFIRM_CONSENT)]
        site = standing.plan.site if standing.plan else ""
        self.fields["site_said"].choices = [
            *([("as planned", f"As planned: {site}")] if site else []), ("another", "Another site"),
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        _ask_other_site(self, values, "Say which other site the patient names.")
        return values

    def columns(self) -> dict[str, Any]:
        """The cleaned values as the columns of ConsentStageTwo."""
        values = self.record_values()
        other, said = values.pop("other_site"), values.pop("site_said")
        planned = self.standing.plan.site if self.standing.plan else ""
        values["site"] = planned if said == "as planned" else other
        values["confirmed_by"] = Person.objects.get(pk=int(values["confirmed_by"]))
        values["confirmed_at"] = self.cleaned_data["happened_at"] or clock.now()
        values["nearby"] = list(self.standing.nearby)
        return values


class QuestionForm(CaseForm):
    """A question of the patient, with the answer if it was given at once."""

    asked = LongWordsField(label="What the patient asks", max_length=2000, required=True)
    answer = LongWordsField(label="Answer, if it was given at once", max_length=4000)
    happened_at = HappenedField()


class AnswerForm(CaseForm):
    """The answer to a question."""

    answer = LongWordsField(label="Answer that the patient was given", max_length=4000, required=True)
    happened_at = HappenedField()


class LeafletForm(CaseForm):
    """Which leaflet was given, and how."""

    channel = ChoiceField(label="How was it given?", choices=CHANNELS, required=True)
    form = WordsField(
        label="Form", hint="Large print, easy read, language; empty for the usual one", max_length=120
    )
    happened_at = HappenedField()


class DeclineForm(CaseForm):
    """The patient decides not to have the biopsy."""

    words = LongWordsField(label="What the patient says", max_length=2000, required=True)
    explained = LongWordsField(
        label="What was explained about treatment without a biopsy, and about what may stay unknown",
        max_length=4000, required=True,
    )  # fmt: skip
    follow_up = LongWordsField(
        label="Who goes on caring for the patient, and what was agreed",
        hint="This goes back to the referrer", max_length=2000, required=True,
    )  # fmt: skip
    happened_at = HappenedField()


class WithdrawForm(CaseForm):
    """The patient takes consent back. Only the tick is asked for: nobody is kept waiting for a reason."""

    confirm = TickField(label="The patient withdraws consent", required=True)
    words = LongWordsField(label="What the patient says, if anything", max_length=2000)
    happened_at = HappenedField()


def _ask_other_site(form: CaseForm, values: dict[str, Any], sentence: str) -> None:
    """“Another site” has to be named."""
    if (
        values.get("site_said") == "another"
        and not values.get("other_site")
        and "other_site" not in form.errors
    ):
        form.add_error("other_site", sentence)
