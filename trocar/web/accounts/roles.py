"""What a person may do, by role. One verb, one permission; views ask for a permission, never for a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """One verb each."""

    SEE_CASES = "see_cases"
    SEE_OWN_REFERRALS = "see_own_referrals"
    SEE_SPECIMENS = "see_specimens"
    REFER = "refer"
    VET = "vet"
    OVERRIDE_VETTING = "override_vetting"
    SIGN_MEDICINES = "sign_medicines"
    SCHEDULE = "schedule"
    TAKE_CONSENT = "take_consent"
    CONFIRM_CONSENT = "confirm_consent"
    CHECKLIST = "checklist"
    RECORD_PROCEDURE = "record_procedure"
    RECORD_DOSE = "record_dose"
    DISPATCH_SPECIMEN = "dispatch_specimen"
    RECEIVE_SPECIMEN = "receive_specimen"
    REPORT_RESULT = "report_result"
    ACKNOWLEDGE_RESULT = "acknowledge_result"
    ACCEPT_PLAN = "accept_plan"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_DEPARTMENT = "manage_department"
    READ_AUDIT = "read_audit"
    BREAK_GLASS = "break_glass"
    PRINT_PAPERS = "print_papers"


@dataclass(frozen=True)
class Role:
    """key: as stored. description: what a manager reads when giving the role."""

    key: str
    title: str
    description: str
    permissions: frozenset[Permission]


P = Permission

_ROLES = (
    Role(
        "ir_doctor",
        "IR doctor",
        "Vets, plans, consents, does the biopsy and answers for the result.",
        frozenset(
            {
                P.SEE_CASES,
                P.REFER,
                P.VET,
                P.OVERRIDE_VETTING,
                P.SIGN_MEDICINES,
                P.SCHEDULE,
                P.TAKE_CONSENT,
                P.CONFIRM_CONSENT,
                P.CHECKLIST,
                P.RECORD_PROCEDURE,
                P.RECORD_DOSE,
                P.DISPATCH_SPECIMEN,
                P.ACKNOWLEDGE_RESULT,
                P.ACCEPT_PLAN,
                P.BREAK_GLASS,
                P.PRINT_PAPERS,
            }
        ),
    ),
    Role(
        "ir_nurse",
        "IR nurse",
        "Prepares the patient, keeps the checklist and the procedure record, sends the specimens.",
        frozenset(
            {
                P.SEE_CASES,
                P.CONFIRM_CONSENT,
                P.CHECKLIST,
                P.RECORD_PROCEDURE,
                P.DISPATCH_SPECIMEN,
                P.BREAK_GLASS,
                P.PRINT_PAPERS,
            }
        ),
    ),
    Role(
        "radiographer",
        "Radiographer",
        "Makes the pictures and records the dose; takes part in the checklist.",
        frozenset({P.SEE_CASES, P.CHECKLIST, P.RECORD_DOSE, P.BREAK_GLASS, P.PRINT_PAPERS}),
    ),
    Role(
        "coordinator",
        "Coordinator",
        "Enters referrals, books the slots and keeps the day list.",
        frozenset({P.SEE_CASES, P.REFER, P.SCHEDULE, P.PRINT_PAPERS}),
    ),
    Role(
        "referrer",
        "Referrer",
        "Refers patients, and reads and acknowledges the results of the own referrals.",
        frozenset({P.SEE_OWN_REFERRALS, P.REFER, P.ACKNOWLEDGE_RESULT, P.BREAK_GLASS}),
    ),
    Role(
        "laboratory",
        "Laboratory",
        "Receives specimens and reports on them; sees of a case what came with the specimen.",
        frozenset({P.SEE_SPECIMENS, P.RECEIVE_SPECIMEN, P.REPORT_RESULT, P.BREAK_GLASS}),
    ),
    Role(
        "pharmacist",
        "Pharmacist",
        "Prescriber who checks and signs the plan of medicines.",
        frozenset({P.SEE_CASES, P.SIGN_MEDICINES, P.PRINT_PAPERS}),
    ),
    Role(
        "manager",
        "Department manager",
        "Looks after people, rooms and settings; sees and writes nothing clinical.",
        frozenset({P.MANAGE_PEOPLE, P.MANAGE_DEPARTMENT}),
    ),
    Role(
        "auditor",
        "Auditor",
        "Reads who saw and who changed what; changes nothing.",
        frozenset({P.READ_AUDIT}),
    ),
)

ROLES: Mapping[str, Role] = {role.key: role for role in _ROLES}
"""Every role by its key, in the order in which people read them."""
