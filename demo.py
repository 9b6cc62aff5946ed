"""Run the whole product offline on this machine and print one URL; Ctrl-C ends everything."""

import os
import sys
import time
from pathlib import Path

from local_stack.processes import LocalStackError
from local_stack.seed import PASSWORD, PEOPLE
from local_stack.stack import Ports, Stack
from schema.migrate import MigrationFailed

FOLDER = Path(__file__).parent / ".local" / "demo"


def main() -> int:
    """Start all parts, print how to log in, wait, and return the exit status."""
    began = time.monotonic()

    def report(step: str) -> None:
        print(f"  {time.monotonic() - began:4.1f} s  {step}", flush=True)

    ports = Ports(
        spa=int(os.environ.get("SPA_PORT", "3000")),
        api=int(os.environ.get("API_PORT", "3010")),
        selector=int(os.environ.get("SELECTOR_PORT", "3020")),
        mail=int(os.environ.get("MAIL_PORT", "3025")),
        tenant=int(os.environ.get("TENANT_PORT", "3030")),
    )
    try:
        FOLDER.mkdir(parents=True, exist_ok=True)
        with Stack(FOLDER, ports, durable=True, report=report) as stack:
            print(f"\n  Open  {stack.spa_url}    (the API: {stack.api_url}/docs)")
            print(f"  Mails {stack.spa_url}/dev/mail\n")
            print(f"  Log in as (password: {PASSWORD})")
            for person in PEOPLE:
                print(f"    {person.email:<18}  {person.what}")
            print(f"\n  Logs: {stack.logs}\n  Ctrl-C ends everything.", flush=True)
            stack.processes.wait()
    except KeyboardInterrupt:
        print("\n  Everything has ended.")
        return 0
    except MigrationFailed as error:
        print(f"\n{error}\nTo start with an empty database: make clean", file=sys.stderr)
        return 1
    except LocalStackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
