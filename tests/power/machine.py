"""One boot of the small machine: qemu without hardware help, one disk whose writes are logged, and a line on which the guest says
what happened. Cutting the power is `kill -9` of qemu."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel import Kernel, program


@dataclass(frozen=True)
class Answer:
    """What was known outside of the machine when a 200 had come out of it."""

    id: str
    got: int  # how many of Machine.got had come before
    held: int  # items, by the newest ledger
    log_bytes: int  # of the log of writes: all that led to this answer is in it
    at: float


class Machine:
    """Runs from the constructor on, until `cut`; used with `with`, it never outlives the test.

    The guest's words (guest-init, load.h, sink.h): `up`, `kept ID`, a status other than 200 with its ID, `closed`, `unreachable`,
    `got ID ...`, `strange SIZE`, `ledger JSON`, `forager ended with CODE`.
    """

    def __init__(self, kernel: Kernel, initramfs: Path, image: Path, **words: object) -> None:
        """`words` go to guest-init by the kernel's command line. `image` is changed; what is logged lies beside it."""
        self.log = image.with_suffix(".writes")
        self.console = image.with_suffix(".console")
        self.log.touch()
        command_line = " ".join(f"{name}={value}" for name, value in words.items())
        self.answers: list[Answer] = []  # 200, in the order in which they came
        self.got: dict[str, float] = {}  # ids of what came to the sink, and when it came last
        self.repeats = 0  # how often something came to the sink again
        self.wrong: list[str] = []  # lines that must not be
        self.ledgers: list[dict[str, Any]] = []
        self.up = ""
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [program("qemu-system-x86_64"), "-accel", "tcg", "-cpu", "max", "-m", "384", "-smp", "1"]
            + ["-nodefaults", "-display", "none", "-no-reboot", "-kernel", str(kernel.image), "-initrd", str(initramfs)]
            + ["-append", f"console=ttyS0 quiet panic=-1 {command_line}"]
            + ["-serial", f"file:{self.console}", "-serial", "stdio"]
            + ["-blockdev", f"driver=file,node-name=image,filename={image}"]
            + ["-blockdev", f"driver=file,node-name=log,filename={self.log}"]
            + ["-blockdev", "driver=blklogwrites,node-name=disk,file=image,log=log"]
            + ["-device", "virtio-blk-pci,drive=disk,discard=off,write-zeroes=off"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """The power is gone."""
        if self.process.stdout.closed:
            return
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def kept(self) -> set[str]:
        """The ids of the requests that were answered 200."""
        return {each.id for each in self.answers}

    # What it says

    def _read(self) -> None:
        for line in self.process.stdout:
            if line.endswith(b"\n"):  # a torn one says nothing
                with self._changed:
                    self._take(line.decode(errors="replace").rstrip())
                    self._changed.notify_all()

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "kept":
            held = self.book().get("held", 0)
            self.answers.append(Answer(rest, len(self.got), held, self.log.stat().st_size, time.monotonic()))
        elif word == "got":
            for each in rest.split():
                self.repeats += each in self.got
                self.got[each] = time.monotonic()
        elif word == "ledger":
            self.ledgers.append(json.loads(rest))
        elif word == "up":
            self.up = rest
        else:
            self.wrong.append(line)

    def book(self) -> dict[str, int]:
        """The states of the traces in the newest ledger; empty before there is one."""
        books = self.ledgers[-1]["destinations"] if self.ledgers else []
        return next((each for each in books if each["signal"] == "traces"), {})

    def settled(self) -> bool:
        """Nothing is held, and nothing has changed for eight looks at the ledger (load.h: four a second)."""
        return len(self.ledgers) >= 8 and self.book()["held"] == 0 and all(each == self.ledgers[-1] for each in self.ledgers[-8:])

    def wait_for(self, condition: Callable[[], object], timeout: float, what: str) -> None:
        """Until it is true; looks again after each line. AssertionError if the machine says something wrong before, with the end
        of its console."""
        end = time.monotonic() + timeout
        with self._changed:
            while not condition():
                ended = self.process.poll() is not None and not self._reader.is_alive()
                if ended or self.wrong or time.monotonic() > end:
                    why = "it ended" if ended else f"it said {self.wrong[:5]}" if self.wrong else f"{timeout} s are over"
                    raise AssertionError(f"{why} before {what}; {self}")
                self._changed.wait(0.1)

    def __str__(self) -> str:
        console = self.console.read_text(errors="replace") if self.console.exists() else ""
        seen = f"up {self.up}, {len(self.answers)} kept, {len(self.got)} got, {self.book()}"
        return "\n".join([f"so far: {seen}; its console:", *console.splitlines()[-40:]])
