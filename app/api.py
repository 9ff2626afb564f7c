"""The HTTP API under /api: one FastAPI application with one shape for every error."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.answers import FAILED, Answer, reference_of
from app.health import Health
from app.metrics import Metrics
from app.readiness import Readiness
from app.routes import archives, code, experiments, machine, playgrounds, presenting, runs, sessions
from app.views import ErrorView
from app.watching import Watchers
from backends.core.errors import VitrineError
from backends.runtime.lab import Lab

_ABOUT = "Everything the pages can do. A visitor is a cookie: keep the one that you are given."
_STATUS = {
    404: Answer(404, "not_found", "There is nothing at this address.", "See /api/openapi.json for what there is."),
    405: Answer(405, "method_not_allowed", "This address does not take that method.", "See /api/openapi.json."),
}


def create_api(lab: Lab, metrics: Metrics, readiness: Readiness) -> FastAPI:
    """The application that is mounted at /api."""
    api = FastAPI(
        title="Vitrine",
        version=lab.version,
        description=_ABOUT,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"default": {"model": ErrorView, "description": "Any error."}},
    )
    watchers = Watchers(lab)
    api.include_router(machine.router(lab, Health(lab), metrics, readiness))
    api.include_router(playgrounds.router(lab, watchers))
    api.include_router(runs.router(lab, watchers))
    api.include_router(experiments.router(lab, watchers))
    api.include_router(code.router(lab))
    api.include_router(sessions.router(lab))
    api.include_router(archives.router(lab))
    api.include_router(presenting.router(lab))
    api.add_exception_handler(VitrineError, _ours)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _of_http)
    api.add_exception_handler(Exception, _unexpected)
    return api


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    """A bug: the client is told the reference only. It is raised on, and app.safety.references logs it."""
    del error
    return FAILED.response(reference_of(request.scope))


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VitrineError)
    return Answer.to(error).response(reference_of(request.scope))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's own validation: the first complaint, without the value that was sent."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path")]
    field = ".".join(place)
    what = f"'{field}'" if field else "The request"
    message = f"{what} cannot be used: {first['msg'][:1].lower()}{first['msg'][1:]}."
    answer = Answer(422, "bad_request", message, "See /api/openapi.json for what is expected.", field)
    return answer.response(reference_of(request.scope))


def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    usual = Answer(error.status_code, "bad_request", "This request cannot be answered.", "See /api/openapi.json.")
    response = _STATUS.get(error.status_code, usual).response(reference_of(request.scope))
    response.headers.update({name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"})
    return response
