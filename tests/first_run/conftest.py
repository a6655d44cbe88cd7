"""The projects here are somebody's own: they are copied and run by the tests, and no module of theirs is a test."""

collect_ignore_glob = ["fastapi/*", "flask/*", "django/*", "express/*"]
