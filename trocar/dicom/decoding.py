"""Decodes compressed frames in processes of their own: on all cores, and safe from decoders that crash."""

from __future__ import annotations

import atexit
import os
import queue
import subprocess
import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from trocar.dicom.decoder_process import PIXEL_KEYWORDS, receive, send

WORKERS = max(2, min(8, os.cpu_count() or 2))


class FrameUndecodableError(Exception):
    """A frame is broken; the caller says which file it is from."""


class _Worker:
    """One decoding process, started when first used."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, head: dict[str, Any], encoded: bytes) -> NDArray[Any]:
        if self._process is None:
            command = [sys.executable, "-m", "trocar.dicom.decoder_process"]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, head, encoded)
            answer = receive(self._process.stdout)
        except (OSError, EOFError):
            answer = None
        if answer is None:
            self.stop()
            raise FrameUndecodableError("the decoder ended")
        told, body = answer
        if "error" in told:
            raise FrameUndecodableError(told["error"])
        return np.frombuffer(body, told["dtype"]).reshape(told["shape"])

    def stop(self) -> None:
        """End the process; the next frame starts another."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what could not be sent to a process that is gone
                    continue
        process.wait()


_lock = threading.Lock()
_idle: queue.SimpleQueue[_Worker] | None = None
_owner = 0


def _workers() -> queue.SimpleQueue[_Worker]:
    """The idle workers of this process (a fork must not share its parent's pipes)."""
    global _idle, _owner
    with _lock:
        if _idle is None or _owner != os.getpid():
            _idle, _owner = queue.SimpleQueue(), os.getpid()
            atexit.register(stop_decoders)
            for _ in range(WORKERS):
                _idle.put(_Worker())
        return _idle


def decode_frame(header: Dataset, encoded: bytes) -> NDArray[Any]:
    """Stored values ``[j, i]`` of one encoded frame of the data set with this ``header``; safe in threads.

    The processes stay for later frames and end with this process, since their input ends then. Raises
    FrameUndecodableError where the frame is broken, also where the decoder crashes on it.
    """
    head: dict[str, Any] = {"TransferSyntaxUID": str(header.file_meta.TransferSyntaxUID)}
    for keyword in PIXEL_KEYWORDS:
        value = header.get(keyword)
        head[keyword] = value if value is None or isinstance(value, int) else str(value)
    idle = _workers()
    worker = idle.get()
    try:
        return worker.decode(head, encoded)
    except BaseException as error:
        if not isinstance(error, FrameUndecodableError):
            worker.stop()  # an answer may still be on its way, which would be taken for the next one
        raise
    finally:
        idle.put(worker)


def stop_decoders() -> None:
    """End the idle decoding processes now (they end with the program in any case)."""
    idle = _workers()
    for _ in range(idle.qsize()):
        worker = idle.get()
        worker.stop()
        idle.put(worker)
