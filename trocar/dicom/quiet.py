"""Keeps pydicom's warnings about sloppy files from the user: Trocar says in its own words what matters."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pydicom import config

_lock = threading.Lock()
_depth = 0
_settings = ExitStack()


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Read without pydicom checking or warning of values (an over-long text, an odd UID) in this block.

    pydicom's switch and Python's warning filters belong to the whole process, so the first block that is
    entered, by whichever thread, sets them and the last one that is left puts them back.
    """
    global _depth, _settings
    with _lock:
        if _depth == 0:
            _settings = ExitStack()
            _settings.enter_context(config.disable_value_validation())
            _settings.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _settings.close()
