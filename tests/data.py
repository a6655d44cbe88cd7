"""Where the shared data lies: CONTRACT_DATA, or `../shared/data` beside the repository; None if it is not there."""

import os
from pathlib import Path

_PLACE = Path(os.environ.get("CONTRACT_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
DATA: Path | None = _PLACE if _PLACE.is_dir() else None
