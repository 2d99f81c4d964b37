"""``make demo``: the whole clinic on this machine, filled with made-up people.

Ctrl-C ends everything; a second start finds the same data. ``--reset`` begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
import time

from portal import local_services
from portal.demo.people import PASSWORD, SIGN_INS
from portal.demo.stack import PortBusy, Stack


def _say(line: str = "") -> None:
    print(line, flush=True)


def _welcome(stack: Stack, seconds: float) -> None:
    _say()
    _say(f"  The clinic is open after {seconds:.0f} s.")
    _say()
    _say(f"    Patients' side   {stack.url}/")
    _say(f"    Clinic's admin   {stack.url}/admin/")
    _say(f"    Mail inbox       {stack.url}/inbox/   (every mail that the demo sends ends here)")
    _say(f"    Files and logs   {stack.folder}/")
    _say()
    _say(f"  Sign in with any of these addresses; the password of all is: {PASSWORD}")
    for person in SIGN_INS:
        _say(f"    {person.email:<34} {person.role:<11} {person.about}")
    _say()
    _say("  The second factor of staff is off in the demo; production refuses to start without it.")
    _say("  Pay with the stand-in for Square: no real money moves. Ctrl-C ends the demo.")
    _say()


# What a clinic's first night and first quarter would leave as proof, in the order in which it is asked for.
FIRST_PROOFS = (
    ("backup",), ("archive_round",), ("erasures_check",), ("audit_digest",), ("audit_verify",), ("unreadable_check",),
    ("visitors_check",),
)


def _first_proofs(stack: Stack) -> None:
    """A backup, the archive's round, looks at the erased, at the log and at every sealed value; last a drill."""
    drill = ("restore_drill", "--identity", str(stack.folder / "backup-identity.txt"))
    for command in (*FIRST_PROOFS, drill):
        with contextlib.suppress(subprocess.CalledProcessError):  # the demo goes on; its lines say what was wrong
            stack.manage(*command)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--square-port", type=int, default=8100)
    parser.add_argument("--reset", action="store_true", help="forget all data of the demo and begin anew")
    parser.add_argument("--patients", type=int, default=60)
    parser.add_argument("--name", default="demo", help="keep this clinic's data apart from other demos'")
    options = parser.parse_args()
    started = time.monotonic()
    stack = Stack(name=options.name, web_port=options.port, standin_port=options.square_port, echo=_say)
    if options.reset:
        local_services.stop(stack.folder, delete=True)
    # A shell that starts this in the background has it ignore Ctrl-C; here it always closes the clinic.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        _say("Starting the database and the broker …")
        stack.start_services()
        _say("Preparing the tables …")
        stack.prepare()
        stack.spawn("square")
        _say("Filling the clinic with made-up people …")
        stack.seed(options.patients)
        for name in ("web", "worker", "beat"):
            stack.spawn(name)
        stack.wait_ready()
        _welcome(stack, time.monotonic() - started)
        threading.Thread(target=_first_proofs, args=(stack,), daemon=True).start()
        while True:
            time.sleep(1)
            for name, process in list(stack.processes.items()):
                if process.poll() is not None:
                    _say(f"{name} stopped; starting it again.")
                    stack.spawn(name)
    except PortBusy as error:
        _say(f"Port {error} is in use. Stop what uses it, or say: make demo PORT=8010 SQUARE_PORT=8110")
        return 1
    except (KeyboardInterrupt, SystemExit):
        _say("\nClosing the clinic …")
        return 0
    finally:
        # A second Ctrl-C must not leave servers behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.close()


if __name__ == "__main__":
    sys.exit(main())
