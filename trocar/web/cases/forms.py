"""Forms for clinical input: one sentence per mistake, what was typed is kept, nothing is guessed."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms

from trocar.clinical.identifiers import nhs_number
from trocar.clinical.typed_input import (
    clean_words,
    read_day,
    read_moment,
    read_number,
)
from trocar.web.cases import clock


class WordsField(forms.CharField):
    """One line of words in any script."""

    widget_kind = "input"
    lines = False

    def __init__(self, *, max_length: int = 200, hint: str = "", **kwargs: Any) -> None:
        self.longest, self.hint = max_length, hint
        kwargs.setdefault("required", False)
        super().__init__(strip=False, **kwargs)
        self.error_messages["required"] = f"Fill in: {str(self.label or '').lower() or 'this field'}."

    def to_python(self, value: Any) -> str:
        try:
            return clean_words(str(value or ""), self.longest, self.lines)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class LongWordsField(WordsField):
    """Several lines of words."""

    widget = forms.Textarea
    widget_kind = "textarea"
    lines = True

    def __init__(self, *, max_length: int = 4000, rows: int = 4, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self.widget.attrs["rows"] = rows


class _Typed(forms.Field):
    """Typed as text, read by a pure function that raises ValueError with the sentence."""

    widget = forms.TextInput
    widget_kind = "input"
    unit = ""

    def __init__(self, *, hint: str = "", **kwargs: Any) -> None:
        self.hint = hint
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)
        self.error_messages["required"] = f"Fill in: {str(self.label or '').lower() or 'this field'}."

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        text = str(value).strip() if value is not None else ""
        if not text:
            return None
        if not isinstance(value, str):
            return value
        try:
            return self.read(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class NumberField(_Typed):
    """A measured number. unit: as written behind it. low, high: what can be, at all. decimals: at most so many.

    other_units: unit -> what to say of it ("g/dL": "multiply by 10"), for units that people mix up.
    """

    def __init__(
        self, *, unit: str = "", low: float = 0, high: float = 1e6, decimals: int = 0,
        other_units: dict[str, str] | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.unit, self.low, self.high, self.decimals = unit, low, high, decimals
        self.other_units = other_units or {}
        self.widget.attrs.update(inputmode="decimal" if decimals else "numeric", autocomplete="off")

    def read(self, text: str) -> Any:
        found = read_number(text, self.unit, self.low, self.high, self.decimals, self.other_units)
        return found if self.decimals else int(found)


class DayField(_Typed):
    """A day. past, future: how many days before and after today it may lie; None for no bound, 0 for not at all."""

    def __init__(self, *, past: int | None = None, future: int | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("hint", "For example, 23/11/2026")
        super().__init__(**kwargs)
        self.past, self.future = past, future
        self.widget.attrs.update(autocomplete="off")

    def read(self, text: str) -> Any:
        return read_day(text, clock.today(), self.past, self.future)

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%d/%m/%Y}" if hasattr(value, "strftime") else value


class MomentField(_Typed):
    """A day and time of the department's clock. past, future: how many hours from now it may lie; None for no bound."""

    def __init__(self, *, past: float | None = None, future: float | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("hint", "For example, 23/11/2026 14:30, or 14:30 for today")
        super().__init__(**kwargs)
        self.past, self.future = past, future
        self.widget.attrs.update(autocomplete="off")

    def read(self, text: str) -> datetime:
        return read_moment(text, clock.now(), self.past, self.future)

    def prepare_value(self, value: Any) -> Any:
        from django.utils import timezone

        return f"{timezone.localtime(value):%d/%m/%Y %H:%M}" if isinstance(value, datetime) else value


class HappenedField(MomentField):
    """When it happened, if that was not now: what was written on paper is entered afterwards."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "When it happened, if not now")
        kwargs.setdefault("future", 0)
        kwargs.setdefault("past", 24 * 31)
        super().__init__(**kwargs)


class NHSNumberField(_Typed):
    """An NHS number, its check digit checked."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "NHS number")
        kwargs.setdefault("hint", "Ten digits, for example 999 000 0018")
        super().__init__(**kwargs)
        self.widget.attrs.update(inputmode="numeric", autocomplete="off")

    def read(self, text: str) -> str:
        return nhs_number(text)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value) or ""


class ChoiceField(forms.ChoiceField):
    """One of a few, as radios. many: as a list to open instead."""

    def __init__(
        self, *, choices: Iterable[tuple[str, str]], many: bool = False, hint: str = "", **kwargs: Any
    ) -> None:
        self.hint = hint
        self.widget_kind = "select" if many else "radios"
        kwargs.setdefault("required", False)
        choices = list(choices)
        if many:
            choices = [("", "Choose"), *choices]
        super().__init__(choices=choices, widget=forms.Select if many else forms.RadioSelect, **kwargs)
        self.error_messages["required"] = f"Choose one: {str(self.label or '').lower() or 'this'}."
        self.error_messages["invalid_choice"] = "Choose one of those that are offered."


class ManyField(forms.MultipleChoiceField):
    """Any of several, as boxes to tick."""

    widget_kind = "checkboxes"

    def __init__(self, *, choices: Iterable[tuple[str, str]], hint: str = "", **kwargs: Any) -> None:
        self.hint = hint
        kwargs.setdefault("required", False)
        super().__init__(choices=list(choices), widget=forms.CheckboxSelectMultiple, **kwargs)
        self.error_messages["invalid_choice"] = "Choose only from those that are offered."


class YesNoField(forms.TypedChoiceField):
    """Yes or no; nothing is chosen beforehand, and nothing chosen is None, which is not no."""

    widget_kind = "radios"

    def __init__(self, *, hint: str = "", words: tuple[str, str] = ("Yes", "No"), **kwargs: Any) -> None:
        self.hint = hint
        kwargs.setdefault("required", False)
        super().__init__(
            choices=[("yes", words[0]), ("no", words[1])], coerce=lambda v: v == "yes", empty_value=None,
            widget=forms.RadioSelect, **kwargs,
        )  # fmt: skip
        ask = "Answer yes or no" if words == ("Yes", "No") else "Choose one"
        self.error_messages["required"] = f"{ask}: {str(self.label or '').lower() or 'this'}."
        self.error_messages["invalid_choice"] = f"{ask}."

    def prepare_value(self, value: Any) -> Any:
        return {True: "yes", False: "no"}.get(value, value)


class TickField(forms.BooleanField):
    """One box to tick."""

    widget_kind = "checkbox"

    def __init__(self, *, hint: str = "", **kwargs: Any) -> None:
        self.hint = hint
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)
        self.error_messages["required"] = f"Tick to confirm: {str(self.label or '').rstrip('.')}."


class CaseForm(forms.Form):
    """A form that acts once and never writes over what its sender has not seen."""

    form_token = forms.UUIDField(widget=forms.HiddenInput)
    seen_version = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=0, max_value=2**31 - 1
    )

    def __init__(self, *args: Any, case: Any = None, **kwargs: Any) -> None:
        self.case = case
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("auto_id", "field-%s")
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.initial.setdefault("form_token", uuid.uuid4())
        self.fields["form_token"].error_messages["required"] = (
            "This form is from a page that can't be used any more; open the page again."
        )
        self.fields["form_token"].error_messages["invalid"] = self.fields["form_token"].error_messages[
            "required"
        ]

    def record_values(self) -> dict[str, Any]:
        """The cleaned values without the form's own fields."""
        own = {"form_token", "seen_version", "happened_at"}
        return {name: value for name, value in self.cleaned_data.items() if name not in own}
