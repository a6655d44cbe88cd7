"""The picture of the report in the README: `python docs/screenshot.py report.html [docs/report.png]`.

Headless Chromium takes it; it asks nothing of the network.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Takes a picture of a report, for the README.")
    parser.add_argument("report", type=Path, help="the HTML report")
    parser.add_argument("picture", type=Path, nargs="?", default=Path(__file__).with_name("report.png"))
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1480)
    options = parser.parse_args()
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        print("error: no Chromium found; apt-get install chromium fonts-dejavu-core", file=sys.stderr)
        return 2
    if not options.report.is_file():
        print(f"error: {options.report}: no such file; contract check --format html={options.report}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "report.png"
        command = [program, *FLAGS, f"--user-data-dir={folder}/profile", f"--screenshot={picture}"]
        command += [f"--window-size={options.width},{options.height}", options.report.resolve().as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if not picture.is_file():
            print(f"error: Chromium made no picture: {done.stderr.strip()[-500:]}", file=sys.stderr)
            return 1
        shutil.copyfile(picture, options.picture)
    print(options.picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
