"""docs/protocols.md says what the files say."""

from __future__ import annotations

from pathlib import Path

from trocar.clinical.loading import builtin_protocols, load_protocol
from trocar.clinical.protocol_page import page

PAGE = Path(__file__).parents[3] / "docs" / "protocols.md"


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "run: python -m trocar.clinical.protocol_page docs/protocols.md"


def test_every_group_limit_needle_and_source_is_on_the_page() -> None:
    text = page()
    for protocol in (load_protocol(name) for name in builtin_protocols()):
        for name in (
            *(group.name for group in protocol.keep_clear),
            *(needle.name for needle in protocol.needles),
            *(key.removeprefix("limits.") for key in protocol.values() if key.startswith("limits.")),
            *(source.citation for source in protocol.sources.values()),
            *protocol.not_judged,
        ):
            assert name in text
