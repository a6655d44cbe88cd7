"""The process that masks and writes for a middleware: it reads what was seen until its input ends."""

from __future__ import annotations

import os
import signal
import sys

from contract.app.middleware import _recorder
from contract.core.errors import ContractError


def main() -> None:
    # Ctrl-C reaches every process of the terminal; this one ends when it has written all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(5)
    stream = sys.stdin.buffer
    said = ""
    try:
        options = _recorder.received(stream)
        if options is None:
            return
        writer = _recorder.Here(options)
        while (batch := _recorder.received(stream)) is not None:
            writer.write(batch)
        writer.end()
    except ContractError as error:
        said = error.message
    except _recorder.Full as error:
        said = f"nothing more is written: {error}"
    except OSError as error:
        said = f"nothing more is written: {error.strerror or error}"
    if said:
        sys.stdout.write(said)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
