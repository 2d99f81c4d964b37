"""``make demo`` as a newcomer runs it, for a test to walk through."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

from portal import local_services
from portal.demo.stack import BASE, Stack, free_port

OPEN_SECONDS = 300  # on a machine that does other things too; the command itself prints what it took


@contextlib.contextmanager
def make_demo() -> Iterator[Stack]:
    """The clinic that ``make demo`` opened, on free ports and with data of its own.

    At the end Ctrl-C closes it, as a person would; nothing of it may go on running. Raises
    ``AssertionError`` with what the command printed when it does not open or does not close.
    """
    stack = Stack(name=f"make-demo-{os.getpid()}", web_port=free_port(), standin_port=free_port(), throwaway=True)
    command = [
        "make", "demo", f"PORT={stack.web_port}", f"SQUARE_PORT={stack.standin_port}", f"ARGS=--name {stack.name}",
    ]
    process = subprocess.Popen(
        command, cwd=BASE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )
    said: list[str] = []
    opened = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            if "password of all is" in line:
                opened.set()
        opened.set()  # it ended: do not wait for more

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert opened.wait(OPEN_SECONDS) and process.poll() is None, "\n".join(["make demo did not open:", *said])
        lines = (stack.folder / "env").read_text().splitlines()
        stack.env = {**os.environ, **dict(line.split("=", 1) for line in lines)}
        yield stack
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)  # whatever number make gives to an interrupted command
        listener.join(10)
        ending = "\n".join(said[-20:])
        assert "Closing the clinic" in ending and "Traceback" not in ending, ending
        assert not (stack.folder / "owner.json").exists(), "its servers still run"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        local_services.stop(stack.folder, delete=True)
