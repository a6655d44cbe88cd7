"""The demo's operations, in the order of its document."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, WebSocket, WebSocketDisconnect
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException

from contract.demo.door import (
    MAX_ID,
    UNAUTHORIZED,
    UUID,
    AdminDoor,
    Body,
    Boolean,
    DateTime,
    Decimal,
    Door,
    Dropped,
    JsonId,
    Labels,
    Me,
    Priority,
    PublicDoor,
    Text,
    Title,
    UserId,
    caller_of,
    problem,
)
from contract.demo.events import Feed
from contract.demo.store import Conflict, Missing, Row, Store

VERSION = "1.0.0"


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _drift(request: Request) -> frozenset[str]:
    drift: frozenset[str] = request.app.state.drift
    return drift


def _feed(request: Request) -> Feed:
    feed: Feed = request.app.state.feed
    return feed


Rows = Annotated[Store, Depends(_store)]
Drift = Annotated[frozenset[str], Depends(_drift)]
Events = Annotated[Feed, Depends(_feed)]
Id = Annotated[int, Decimal, Path(ge=1, le=MAX_ID)]
UserPath = Annotated[str, Path(pattern=UUID)]
Limit = Annotated[int, Decimal, Query(ge=1, le=100)]
AnyLimit = Annotated[int, Decimal, Query(ge=1)]
Cursor = Annotated[int, Decimal, Query(ge=0, le=MAX_ID)]
Days = Annotated[int, Decimal, Query(ge=1, le=365)]
Status = Literal["todo", "doing", "done"]
Role = Literal["member", "admin"]
Action = Literal[
    "user.created",
    "user.deleted",
    "project.created",
    "project.updated",
    "project.deleted",
    "task.created",
    "task.updated",
    "task.moved",
    "task.deleted",
    "document.created",
]

public = APIRouter(prefix="/api/v1", route_class=PublicDoor)
members = APIRouter(prefix="/api/v1/app", route_class=Door)
contents = APIRouter(prefix="/api/v1/app", route_class=Door)
admins = APIRouter(prefix="/api/v1/admin", route_class=AdminDoor)
sessions = APIRouter(prefix="/api/v1/admin", route_class=AdminDoor)


def created(row: Row, path: str) -> Response:
    return JSONResponse(row, 201, {"Location": f"{path}/{row['id']}"})


@public.get("/health", operation_id="getHealth")
def health(drift: Drift) -> Response:
    if "undeclared-media-type" in drift:
        return Response("ok", media_type="text/plain")
    return JSONResponse({"status": "ok", "version": VERSION})


# --- projects


class ProjectInput(Body):
    """Without a key the project keeps the one it has, or gets one."""

    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,9}$")] = ""
    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Text | None = None


def project_fields(body: ProjectInput) -> Row:
    return {"description": None} | body.model_dump(exclude_unset=True)


def project_shown(row: Row, drift: frozenset[str]) -> Row:
    return row | {"internal_score": row["id"] * 7 % 100} if "undeclared-property" in drift else row


@members.get("/projects", operation_id="listProjects")
def list_projects(me: Me, rows: Rows, drift: Drift, limit: Limit = 20, cursor: Cursor = 0) -> Row:
    page = rows.projects(me.tenant, limit, cursor)
    return page | {"items": [project_shown(row, drift) for row in page["items"]]}


@members.post("/projects", operation_id="createProject")
def create_project(me: Me, rows: Rows, drift: Drift, body: ProjectInput) -> Response:
    row = rows.create_project(me.tenant, me.handle, project_fields(body))
    return created(project_shown(row, drift), "/api/v1/app/projects")


@members.get("/projects/{project_id}", operation_id="getProject")
def get_project(me: Me, rows: Rows, drift: Drift, project_id: Id) -> Row:
    return project_shown(rows.gone("project", me.tenant, project_id) or rows.project(me.tenant, project_id), drift)


@members.put("/projects/{project_id}", operation_id="replaceProject")
def replace_project(me: Me, rows: Rows, drift: Drift, project_id: Id, body: ProjectInput) -> Row:
    return project_shown(rows.replace_project(me.tenant, me.handle, project_id, project_fields(body)), drift)


@members.delete("/projects/{project_id}", operation_id="deleteProject")
def delete_project(me: Me, rows: Rows, project_id: Id) -> Response:
    rows.delete_project(me.tenant, me.handle, project_id)
    return Response(status_code=204)


# --- tasks


class NewTask(Body):
    project_id: JsonId
    title: Title
    description: Text | None = None
    priority: Priority = 3
    labels: Labels = Field(default_factory=list)
    assignee_id: UserId | None = None
    due_at: DateTime = ""


class TaskPatch(Body):
    """What is left out stays as it is; the defaults are never read."""

    project_id: JsonId = 0
    title: Title = ""
    description: Text | None = None
    priority: Priority = 3
    labels: Labels = Field(default_factory=list)
    assignee_id: UserId | None = None
    due_at: DateTime = ""


class Move(Body):
    status: Status


def task_shown(row: Row, drift: frozenset[str]) -> Row:
    return row | {"due_at": None} if "null-due-at" in drift and row["status"] == "done" else row


@members.get("/tasks", operation_id="listTasks")
def list_tasks(
    request: Request,
    me: Me,
    rows: Rows,
    drift: Drift,
    limit: AnyLimit = 20,
    cursor: Cursor = 0,
    status: Annotated[Status | None, Query()] = None,
    project_id: Annotated[int | None, Decimal, Query(ge=1, le=MAX_ID)] = None,
    overdue: Annotated[bool | None, Boolean, Query()] = None,
    due_before: Annotated[DateTime | None, Query()] = None,
    search: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
) -> Row:
    if limit > 100 and "invalid-request-accepted" not in drift:
        raise refusal("query", "limit", "Input should be less than or equal to 100")
    sort = request.query_params.get("sort") if "undeclared-parameter" in drift else None
    page = rows.tasks(
        me.tenant,
        min(limit, 100),
        cursor,
        status=status,
        project_id=project_id,
        overdue=overdue,
        due_before=due_before,
        search=search,
        sort=sort if sort in ("title", "-title") else None,
    )
    return page | {"items": [task_shown(row, drift) for row in page["items"]]}


@members.post("/tasks", operation_id="createTask")
def create_task(me: Me, rows: Rows, drift: Drift, events: Events, body: NewTask) -> Response:
    if "valid-request-refused" in drift and len(body.title) > 50:
        raise refusal("body", "title", "String should have at most 50 characters")
    row = task_shown(rows.create_task(me.tenant, me.handle, body.model_dump(exclude_unset=True)), drift)
    events.send(me.tenant, "task.created", row)
    return created(row, "/api/v1/app/tasks")


@members.get("/tasks/{task_id}", operation_id="getTask")
def get_task(me: Me, rows: Rows, drift: Drift, task_id: Id) -> Row:
    return task_shown(rows.gone("task", me.tenant, task_id) or rows.task(me.tenant, task_id), drift)


@members.patch("/tasks/{task_id}", operation_id="updateTask")
def update_task(me: Me, rows: Rows, drift: Drift, events: Events, task_id: Id, body: TaskPatch) -> Row:
    fields = body.model_dump(exclude_unset=True)
    row = task_shown(rows.change_task(me.tenant, me.handle, task_id, fields), drift)
    events.send(me.tenant, "task.updated", row)
    return row


@members.delete("/tasks/{task_id}", operation_id="deleteTask")
def delete_task(me: Me, rows: Rows, events: Events, task_id: Id) -> Response:
    rows.delete_task(me.tenant, me.handle, task_id)
    events.send(me.tenant, "task.deleted", {"id": task_id})
    return Response(status_code=204)


@members.post("/tasks/{task_id}/move", operation_id="moveTask")
def move_task(me: Me, rows: Rows, drift: Drift, events: Events, task_id: Id, body: Move) -> Row:
    if "undeclared-status" in drift and rows.task(me.tenant, task_id)["status"] == body.status:
        raise Conflict(f"the task is {body.status} already")
    row = task_shown(rows.change_task(me.tenant, me.handle, task_id, body.model_dump(), "task.moved"), drift)
    events.send(me.tenant, "task.moved", row)
    return row


# --- documents


class NewDocument(Body):
    project_id: JsonId
    title: Title
    content: Annotated[str, Field(max_length=100_000)]


@members.get("/documents", operation_id="listDocuments")
def list_documents(me: Me, rows: Rows, limit: Limit = 20, cursor: Cursor = 0) -> Row:
    return rows.documents(me.tenant, limit, cursor)


@members.post("/documents", operation_id="createDocument")
def create_document(me: Me, rows: Rows, body: NewDocument) -> Response:
    fields = body.model_dump()
    fields["content"] = fields["content"].encode()
    return created(rows.create_document(me.tenant, me.handle, fields), "/api/v1/app/documents")


@members.get("/documents/{document_id}", operation_id="getDocument")
def get_document(me: Me, rows: Rows, document_id: Id) -> Row:
    return rows.document(me.tenant, document_id)


@contents.get("/documents/{document_id}/content", operation_id="getDocumentContent")
def get_document_content(me: Me, rows: Rows, document_id: Id) -> Response:
    return Response(rows.content(me.tenant, document_id), media_type="text/markdown")


# --- the tenant as a whole


@members.get("/dashboard", operation_id="getDashboard")
def dashboard(me: Me, rows: Rows, drift: Drift, days: Days = 30) -> Row:
    if "server-error" in drift and days > 180:
        raise HTTPException(500, "the dashboard could not be computed")
    return rows.dashboard(me.tenant, days)


@members.websocket("/ws")
async def events(socket: WebSocket) -> None:
    """Sends the tenant's task events; the token comes in `Authorization` or in `?token=`."""
    token = socket.headers.get("authorization") or f"Bearer {socket.query_params.get('token', '')}"
    caller = caller_of(socket.app.state.store, token)
    if caller is None:
        await socket.send_denial_response(problem(401, "a valid bearer token is needed", headers=UNAUTHORIZED))
        return
    await socket.accept()
    with socket.app.state.feed.subscribed(caller.tenant) as queue:
        await socket.send_json({"type": "hello", "tenant": caller.tenant})
        sender = asyncio.create_task(_forward(queue, socket))
        try:
            while True:
                if await socket.receive_text() == "ping":
                    await socket.send_json({"type": "pong"})
        except WebSocketDisconnect:
            pass
        finally:
            sender.cancel()


async def _forward(queue: asyncio.Queue[Row], socket: WebSocket) -> None:
    while True:
        await socket.send_json(await queue.get())


# --- administration


class NewUser(Body):
    handle: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,29}$")]
    role: Role = "member"


@admins.get("/users", operation_id="listUsers")
def list_users(
    me: Me, rows: Rows, drift: Drift, limit: Limit = 20, role: Annotated[Role | None, Query()] = None
) -> Response:
    answer = JSONResponse(rows.users(me.tenant, limit, role))
    if "malformed-body" in drift:
        return Response(bytes(answer.body).removesuffix(b"}") + b",}", media_type="application/json")
    return answer


@admins.post("/users", operation_id="createUser")
def create_user(me: Me, rows: Rows, body: NewUser) -> Response:
    return created(rows.create_user(me.tenant, me.handle, body.model_dump()), "/api/v1/admin/users")


@admins.get("/users/{user_id}", operation_id="getUser")
def get_user(me: Me, rows: Rows, user_id: UserPath) -> Row:
    return rows.gone("user", me.tenant, user_id.lower()) or rows.user(me.tenant, user_id)


@admins.delete("/users/{user_id}", operation_id="deleteUser")
def delete_user(me: Me, rows: Rows, user_id: UserPath) -> Response:
    rows.delete_user(me.tenant, me.handle, user_id)
    return Response(status_code=204)


@sessions.delete("/users/{user_id}/sessions")
def end_sessions(me: Me, rows: Rows, user_id: UserPath) -> Response:
    rows.user(me.tenant, user_id)
    return Response(status_code=204)


@admins.get("/audit", operation_id="listAudit")
def audit(
    me: Me,
    rows: Rows,
    drift: Drift,
    limit: Limit = 20,
    cursor: Cursor = 0,
    action: Annotated[Action | None, Query()] = None,
) -> Response:
    if "no-answer" in drift and limit > 50:
        return Dropped()
    return JSONResponse(rows.audit(me.tenant, limit, cursor, action))


# --- errors


def refusal(part: str, name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": (part, name), "msg": message}])


async def missing(request: Request, error: Exception) -> Response:
    assert isinstance(error, Missing)
    return problem(404, "no such resource")


async def conflict(request: Request, error: Exception) -> Response:
    assert isinstance(error, Conflict)
    return problem(409, str(error))
