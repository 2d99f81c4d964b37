"""``python -m billing.standin``: run the stand-in in the foreground. Development only."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from billing.standin.server import build


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m billing.standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--public-url", default="", help="address that browsers see; default http://localhost:PORT")
    parser.add_argument("--webhook-url", default=os.environ.get("SQUARE_WEBHOOK_URL", ""))
    keys = os.environ.get("SQUARE_WEBHOOK_SIGNATURE_KEYS", "standin-signature-key")
    parser.add_argument("--signature-key", default=keys.split(",")[0])
    parser.add_argument("--token", default=os.environ.get("SQUARE_ACCESS_TOKEN", "standin-token"))
    parser.add_argument("--location", default=os.environ.get("SQUARE_LOCATION_ID", "STANDIN"))
    parser.add_argument("--state", type=Path, default=None, help="JSON file that outlives a restart")
    return parser.parse_args()


def main() -> int:
    """Serve until interrupted; 2 where the stand-in is not allowed."""
    if os.environ.get("SQUARE_STANDIN_ALLOWED") != "1":
        sys.stderr.write("The Square stand-in is for development. Set SQUARE_STANDIN_ALLOWED=1 to run it.\n")
        return 2
    asked = _options()
    if asked.state is not None:
        asked.state.parent.mkdir(parents=True, exist_ok=True)
    standin = build(
        host=asked.host,
        port=asked.port,
        webhook_url=asked.webhook_url,
        public_url=asked.public_url or (f"http://localhost:{asked.port}" if asked.port else ""),
        signature_key=asked.signature_key,
        token=asked.token,
        location_id=asked.location,
        state_file=asked.state,
    )
    sys.stdout.write(f"Square stand-in at {standin.url}\n")
    sys.stdout.flush()
    try:
        standin.server.serve_forever()
    except KeyboardInterrupt:
        standin.hooks.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
