"""`python -m contract` is the command `contract`."""

from contract.app.cli import main

raise SystemExit(main())
