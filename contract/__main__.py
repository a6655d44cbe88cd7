"""`python -m contract` is the command `contract`."""

from contract.app.cli import main

if __name__ == "__main__":  # a process that judges a shard imports this again
    raise SystemExit(main())
