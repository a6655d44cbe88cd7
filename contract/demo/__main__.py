"""`python -m contract.demo`: the demo on loopback, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from contract.core.errors import ConfigError, ContractError
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
    parser.add_argument("--log-level", default="warning", help="uvicorn's; `info` shows every request")
    arguments = parser.parse_args()
    try:
        chosen = drifts(arguments.drift.split(","))
        listener = _listen(arguments.host, arguments.port)
    except ContractError as error:
        print(f"error: {error.message}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    # Importing the application reads the variable, and what the flag says goes before it.
    os.environ["CONTRACT_DEMO_DRIFT"] = ",".join(sorted(chosen))

    import uvicorn

    from contract.demo.app import app

    host, port = listener.getsockname()[:2]
    print(f"Task API on http://{host}:{port} · drift: {', '.join(sorted(chosen)) or 'none'}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level=arguments.log_level)).run(sockets=[listener])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port))
        # asyncio does this only for sockets that it opens itself; without it an answer waits 40 ms for a late ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        raise ConfigError(
            f"{host}:{port}: {error.strerror}", "choose another with --port; 0 takes a free one"
        ) from error


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
