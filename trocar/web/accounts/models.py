"""The people who sign in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.validators import RegexValidator
from django.db import models

from trocar.web.accounts.roles import ROLES, Permission, Role


class People(BaseUserManager["Person"]):
    """Makes people."""

    def create_user(
        self, username: str, password: str | None = None, *, full_name: str, role: str, **more: Any
    ) -> Person:
        """A checked, saved person; without a password nobody can sign in as them. Raises ValidationError."""
        person = self.model(username=username.strip().lower(), full_name=full_name.strip(), role=role, **more)
        if password is None:
            person.set_unusable_password()
        else:
            person.set_password(password)
        person.full_clean()
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> Person:
        """Names are kept in small letters, so that nobody is locked out by a capital."""
        return self.get(username=(username or "").strip().lower())


class Person(AbstractBaseUser):
    """Someone who signs in. Nobody is ever deleted: who has left is not active any more.

    is_sample: of the demo; said wherever the name stands.
    must_change_password: the password was set by somebody else and serves once.
    """

    username = models.CharField(
        "user name",
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"\A[a-z0-9][a-z0-9._@-]*\Z",
                "A user name has small letters, digits, dots, hyphens, underscores and @ only.",
            )
        ],
        error_messages={"unique": "Somebody has this user name already."},
    )
    full_name = models.CharField("full name", max_length=120)
    role = models.CharField(max_length=20, choices=[(role.key, role.title) for role in ROLES.values()])
    is_active = models.BooleanField("active", default=True)
    is_sample = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[People] = People()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name", "role"]

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["full_name", "username"]

    def __str__(self) -> str:
        return self.full_name

    @property
    def role_entry(self) -> Role:
        """The role with its title and permissions."""
        return ROLES[self.role]

    @property
    def role_title(self) -> str:
        return self.role_entry.title

    def may(self, permission: Permission) -> bool:
        """Whether the role holds the permission; someone who is not active may nothing."""
        role = ROLES.get(self.role)
        return self.is_active and role is not None and permission in role.permissions

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name


class EmergencyAccess(models.Model):
    """A case that somebody opened without being one of those who may see it, with a reason, for an hour."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    case_number = models.CharField(max_length=40)
    reason = models.TextField()
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["-opened_at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["person", "ends_at"], name="accounts_emergency_open")
        ]

    def __str__(self) -> str:
        return f"{self.person} opened {self.case_number}"
