"""Which role may do what. The table is the department's policy: a change of it should be seen."""

from __future__ import annotations

import pytest

from trocar.web.accounts.models import Person
from trocar.web.accounts.roles import ROLES, Permission

CLINICAL = {
    Permission.VET, Permission.OVERRIDE_VETTING, Permission.SIGN_MEDICINES, Permission.TAKE_CONSENT,
    Permission.CONFIRM_CONSENT, Permission.CHECKLIST, Permission.RECORD_PROCEDURE, Permission.RECORD_DOSE,
    Permission.DISPATCH_SPECIMEN, Permission.RECEIVE_SPECIMEN, Permission.REPORT_RESULT,
    Permission.ACKNOWLEDGE_RESULT, Permission.ACCEPT_PLAN, Permission.REFER, Permission.SCHEDULE,
}  # fmt: skip


def test_every_permission_is_somebody_s() -> None:
    assert set().union(*(role.permissions for role in ROLES.values())) == set(Permission)


def test_the_manager_and_the_auditor_write_nothing_clinical_and_open_no_case() -> None:
    for key in ("manager", "auditor"):
        assert not ROLES[key].permissions & (CLINICAL | {Permission.SEE_CASES, Permission.BREAK_GLASS})


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.OVERRIDE_VETTING, {"ir_doctor"}),
        (Permission.ACCEPT_PLAN, {"ir_doctor"}),
        (Permission.SIGN_MEDICINES, {"ir_doctor", "pharmacist"}),
        (Permission.TAKE_CONSENT, {"ir_doctor"}),
        (Permission.REPORT_RESULT, {"laboratory"}),
        (Permission.RECEIVE_SPECIMEN, {"laboratory"}),
        (Permission.SCHEDULE, {"ir_doctor", "coordinator"}),
        (Permission.MANAGE_PEOPLE, {"manager"}),
        (Permission.READ_AUDIT, {"auditor"}),
        (Permission.SEE_CASES, {"ir_doctor", "ir_nurse", "radiographer", "coordinator", "pharmacist"}),
    ],
)
def test_who_holds_it(permission: Permission, roles: set[str]) -> None:
    assert {role.key for role in ROLES.values() if permission in role.permissions} == roles


def test_who_has_left_may_nothing() -> None:
    assert Person(role="ir_doctor").may(Permission.VET)
    assert not Person(role="ir_doctor", is_active=False).may(Permission.VET)


def test_a_role_that_is_none_may_nothing() -> None:
    assert not any(Person(role="superuser").may(one) for one in Permission)
