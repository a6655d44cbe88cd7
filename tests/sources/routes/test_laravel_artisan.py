"""`laravel:artisan`: the list is asked for, not read; with a real PHP."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.core.errors import SourceError
from contract.sources.routes import laravel
from tests import needs
from tests.sources.routes.serving import explicit

HOW = "apt-get install -y --no-install-recommends php-cli"
LIST = '[{"domain": null, "method": "GET|HEAD", "uri": "api/loans", "name": null, "action": "Closure"}]'


@pytest.fixture
def artisan(tmp_path: Path) -> Path:
    needs.program("php", HOW)
    folder = tmp_path / "my shop"
    folder.mkdir()
    return folder / "artisan"


def test_the_command_is_run_in_its_own_folder(artisan: Path) -> None:
    artisan.write_text(
        "<?php if ($argv !== ['artisan', 'route:list', '--json'] || getcwd() !== __DIR__) exit(9);"
        f" echo \"Deprecated: [x]\\n\"; echo '{LIST}';"
    )
    assert explicit(laravel.routes(str(artisan))) == ["GET /api/loans"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('<?php fwrite(STDERR, "no database\\n"); exit(3);', "ends with exit code 3: no database"),
        ("<?php echo 'nothing';", "holds no list of Laravel routes; it begins with `nothing`"),
    ],
)
def test_what_went_wrong_is_told(artisan: Path, source: str, said: str) -> None:
    artisan.write_text(source)
    with pytest.raises(SourceError) as raised:
        laravel.routes(str(artisan))
    assert said in raised.value.message


def test_a_missing_artisan_and_a_missing_php_are_told(
    artisan: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="no such file"):
        laravel.routes(str(artisan))
    artisan.write_text("<?php")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="there is no `php` on the PATH"):
        laravel.routes(str(artisan))
