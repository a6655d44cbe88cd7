"""Routes of a real Django project, REST framework included, held against what it answers.

A process holds one Django project, so each is read and served in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from contract.core.evidence import Route
from tests.sources.routes.serving import differences, explicit, implied, line, places, process, python, spans

SETTINGS = """
print("noise")
SECRET_KEY = "test"
DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.admin", "rest_framework"]
MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = "en"
USE_I18N = True
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_PERMISSION_CLASSES": [], "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}
"""

URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path, re_path, register_converter
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import RedirectView
from django.views.static import serve
from rest_framework.decorators import action, api_view
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet


class Year:
    regex = "[0-9]{4}"
    to_python = int
    to_url = str


register_converter(Year, "yyyy")


def anything(request, **values):
    return HttpResponse("anything")


@csrf_exempt
@require_http_methods(["POST", "PUT"])
def change(request, task):
    return HttpResponse("changed")


@require_GET
def show(request, **values):
    return HttpResponse("shown")


class Part(View):
    def get(self, request, **values):
        return HttpResponse("part")

    def delete(self, request, **values):
        return HttpResponse("gone")


class Plain(APIView):
    def post(self, request, **values):
        return Response({})


@api_view(["GET", "PATCH"])
def counted(request):
    return Response({})


class Tasks(ViewSet):
    def list(self, request):
        return Response([])

    def create(self, request):
        return Response({}, status=201)

    def retrieve(self, request, pk=None):
        return Response({})

    def destroy(self, request, pk=None):
        return Response(status=204)

    @action(detail=True, methods=["post"], url_path="close")
    def close_it(self, request, pk=None):
        return Response({})

    @action(detail=False, methods=["get"])
    def recent(self, request):
        return Response([])


router = DefaultRouter()
router.register("tasks", Tasks, basename="task")
paths = SimpleRouter(trailing_slash=False, use_regex_path=False)
paths.register("jobs", Tasks, basename="job")

v2 = ([path("tasks/<uuid:task>/", show, name="task"), re_path(r"^old/(?P<number>[0-9]+)/(?:part/)?$", show)], "v2")
urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include(router.urls)),
    path("api/v1/", include(paths.urls)),
    path("api/v2/", include(v2)),
    path("api/plain/", Plain.as_view(), name="plain"),
    path("api/counted/", counted),
    path("any/", anything),
    path("tasks/<int:task>/", change, name="change"),
    path("tasks/<int:task>/parts/<slug:part>", csrf_exempt(Part.as_view()), name="part"),
    path("reports/<yyyy:year>/", show),
    re_path(r"^archive/(?P<rest>.+)/raw$", show),
    path("files/<path:name>", show),
    path("moved/", RedirectView.as_view(url="/any/")),
    re_path(r"^media/(?P<path>.*)$", serve, {"document_root": "."}),
    *i18n_patterns(path("hello/", show, name="hello"), prefix_default_language=False),
]
"""

SERVE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
sys.path.insert(0, os.getcwd())
from wsgiref.simple_server import make_server
from django.core.wsgi import get_wsgi_application
out = sys.stdout
sys.stdout = sys.stderr
server = make_server("127.0.0.1", 0, get_wsgi_application())
print(server.server_port, file=out, flush=True)
server.serve_forever()
"""

READ = """
import dataclasses, json, sys
from contract.core.errors import SourceError
from contract.sources.routes import django
for where in sys.argv[1:]:
    try:
        found = [{**dataclasses.asdict(route), "spans": sorted(route.spans)} for route in django.routes(where)]
        print(json.dumps(found))
    except SourceError as error:
        print(json.dumps([error.message, error.hint]))
"""


def project(folder: Path, settings: str = SETTINGS, urls: str = URLS) -> Path:
    (folder / "site_settings.py").write_text(settings)
    (folder / "site_urls.py").write_text(urls)
    return folder


def said(folder: Path, *where: str) -> list[list[dict[str, object]]]:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        python(f"import sys; sys.path.append({root!r})\n" + READ, *where), cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(row) for row in done.stdout.splitlines()]


def read(folder: Path) -> list[Route]:
    rows = said(folder, "site_settings")[0]
    return [Route(**{**row, "spans": frozenset(row["spans"])}) for row in rows]  # type: ignore[arg-type, call-overload]


def test_the_urlconf_is_listed_as_it_is_served(tmp_path: Path) -> None:
    found = read(project(tmp_path))
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "media").mkdir()
    api = [
        "GET /api/tasks/", "POST /api/tasks/",
        "GET /api/tasks/recent/",
        "GET /api/tasks/{pk}/", "DELETE /api/tasks/{pk}/",
        "POST /api/tasks/{pk}/close/",
    ]  # fmt: skip
    assert explicit(found) == [
        *api,
        *[row.replace("/api/", "/api/v1/").replace("tasks", "jobs").removesuffix("/") for row in api],
        "GET /api/v2/tasks/{task}/",
        "GET /api/v2/old/{number}/part/",
        "GET /api/v2/old/{number}/",
        "POST /api/plain/",
        "GET /api/counted/",
        "PATCH /api/counted/",
        "ANY /any/",
        "POST /tasks/{task}/",
        "PUT /tasks/{task}/",
        "GET /tasks/{task}/parts/{part}",
        "DELETE /tasks/{task}/parts/{part}",
        "GET /reports/{year}/",
        "GET /archive/{rest}/raw",
        "GET /files/{name}",
        "GET /{language}/hello/",
        "GET /hello/",
    ]
    assert spans(found) >= {"/archive/{rest}/raw rest", "/files/{name} name", "/media/{path} path"}
    assert {"GET /api/", "ANY /media/{path}", "GET /moved/", "ANY /admin/login/", "GET /api/tasks.{format}"} <= set(
        implied(found)
    )
    # The admin asks for a session first, and a redirect leads elsewhere: they are told apart by being implied.
    held = [route for route in found if not route.path.startswith("/admin/")]
    values = {
        "task": "7", "part": "a-b", "year": "2024", "language": "de", "path": "a.txt", "format": "json",
    }  # fmt: skip
    by_uuid = [route for route in held if "/v2/tasks/" in route.path]
    # At the root the converter of the format takes the dot too.
    root = [route for route in held if route.path == "/api/{format}"]
    rest = [route for route in held if route not in by_uuid and route not in root]
    with process(python(SERVE), tmp_path) as port:
        assert differences(port, rest, values) == []
        assert differences(port, root, {"format": ".json"}) == []
        assert differences(port, by_uuid, {"task": "0f5c7e1d-6e1b-4b7a-9a55-8b1f0f3f2d11"}) == []


def test_each_route_has_its_view_its_method_or_its_action_and_its_name(tmp_path: Path) -> None:
    found = read(project(tmp_path))
    assert {key: at for key, at in places(found).items() if "/api/tasks/" in key or "parts" in key} == {
        "GET /api/tasks/": ("site_urls.py", line(URLS, "def list(")),
        "POST /api/tasks/": ("site_urls.py", line(URLS, "def create(")),
        "GET /api/tasks/recent/": ("site_urls.py", line(URLS, "@action(detail=False")),
        "GET /api/tasks/{pk}/": ("site_urls.py", line(URLS, "def retrieve(")),
        "DELETE /api/tasks/{pk}/": ("site_urls.py", line(URLS, "def destroy(")),
        "POST /api/tasks/{pk}/close/": ("site_urls.py", line(URLS, "@action(detail=True")),
        "GET /tasks/{task}/parts/{part}": ("site_urls.py", line(URLS, "def get(self")),
        "DELETE /tasks/{task}/parts/{part}": ("site_urls.py", line(URLS, "def delete(self")),
    }
    assert places(found)["GET /api/counted/"] == ("site_urls.py", line(URLS, "@api_view"))
    assert places(found)["PUT /tasks/{task}/"] == ("site_urls.py", line(URLS, "@csrf_exempt"))
    names = {route.path: route.name for route in found if not route.implied}
    assert (names["/api/v2/tasks/{task}/"], names["/api/tasks/{pk}/close/"]) == ("v2:task", "task-close-it")
    spelled = {route.path: route.spelled for route in found}
    assert spelled["/tasks/{task}/parts/{part}"] == "tasks/<int:task>/parts/<slug:part>"
    assert spelled["/reports/{year}/"] == "^reports/(?P<year>[0-9]{4})/"


def test_a_project_in_another_folder_is_named_with_it_and_one_run_reads_one_project(tmp_path: Path) -> None:
    inside = tmp_path / "backend"
    inside.mkdir()
    project(inside, urls="from django.urls import path\nurlpatterns = [path('a/', lambda request: None, name='a')]\n")
    (tmp_path / "other_settings.py").write_text("ROOT_URLCONF = 'nowhere'\n")
    first, second = said(tmp_path, "backend/site_settings", "other_settings")
    assert [(row["method"], row["path"], row["file"]) for row in first] == [("ANY", "/a/", "backend/site_urls.py")]
    assert second == [
        "other_settings: Django is set up for `site_settings` already",
        "one run reads one Django project",
    ]


IMPORTABLE = "the application must be importable without its services: set what it reads at import"
HINT = "`django:SETTINGS`, the settings' module as in DJANGO_SETTINGS_MODULE: django:mysite.settings"


@pytest.mark.parametrize(
    ("settings", "urls", "where", "expected"),
    [
        ("import os\nSECRET_KEY = os.environ['NOT_SET_ANYWHERE']\n", "", "site_settings",
            ["site_settings: importing `site_settings` raised KeyError: 'NOT_SET_ANYWHERE' at site_settings.py:2", IMPORTABLE]),
        ("SECRET_KEY = 'a'\n", "", "site_settings", ["site_settings: `site_settings` has no ROOT_URLCONF", HINT]),
        (SETTINGS, "1 / 0\n", "site_settings",
            ["site_settings: importing the URLconf raised ZeroDivisionError: division by zero at site_urls.py:1", IMPORTABLE]),
        (SETTINGS, "urlpatterns = []\n", "site_settings", ["site_settings: the URLconf has no pattern", HINT]),
        (SETTINGS, "", "nowhere.settings",
            ["nowhere.settings: there is no module `nowhere`", "run it from the folder that holds the package"]),
        (SETTINGS, "", "site_settings.py", ["`site_settings.py` names no module of settings", HINT]),
        (SETTINGS.replace('"rest_framework"]', '"rest_frame"]'), "", "site_settings",
            ["site_settings: setting Django up raised ModuleNotFoundError: No module named 'rest_frame'",
            "install contract into the environment of the application, and run it from there"]),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_an_error_that_names_the_place(
    tmp_path: Path, settings: str, urls: str, where: str, expected: list[str]
) -> None:
    found = said(project(tmp_path, settings, urls), where)[0]
    assert [str(found[0]).partition(" at config.py")[0], found[1]] == expected
