"""`python -m contract.demo`: the demo on loopback, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys

from contract.core.errors import ContractError
from contract.demo import DRIFTS, drifts


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m contract.demo",
        description="Serves the demo API, whose document is specs/demo.yaml.",
        epilog="drifts:\n" + "\n".join(f"  {name:<26}{what}" for name, what in DRIFTS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 for a free one")
    parser.add_argument("--drift", metavar="NAME,…", default=os.environ.get("CONTRACT_DEMO_DRIFT", ""))
    parser.add_argument("--log-level", default="warning")
    arguments = parser.parse_args()
    try:
        chosen = drifts(arguments.drift.split(","))
    except ContractError as error:
        print(f"error: {error.message}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    # Importing the application reads the variable, and what the flag says goes before it.
    os.environ["CONTRACT_DEMO_DRIFT"] = ",".join(sorted(chosen))

    import uvicorn

    from contract.demo.app import app

    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level=arguments.log_level)
    return 0


if __name__ == "__main__":
    sys.exit(main())
