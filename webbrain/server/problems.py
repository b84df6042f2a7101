"""Every refusal has one shape: `Problem` as JSON."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from webbrain.server.desk import Refused
from webbrain.server.schema import ErrorCode, Problem

_CODES: dict[int, ErrorCode] = {404: "not_found", 405: "method"}
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": meaning}
    for status, meaning in {
        400: "Unknown host.",
        401: "The token is missing or wrong.",
        403: "Asked by a page of another site.",
        413: "A request body was sent.",
        422: "A parameter is missing or out of its range.",
        500: "The index or a model failed.",
        503: "Too many readers, shutting down, or out of time.",
    }.items()
}


def problem(status: int, code: ErrorCode, message: str) -> Response:
    headers = {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": "2"}}.get(status)
    return JSONResponse(Problem(code=code, message=message).model_dump(), status, headers)


def answer_problems(app: FastAPI) -> None:
    """Register what turns exceptions into problems."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return problem(422, "bad_request", f"{first['loc'][-1]}: {first['msg']}.")

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return problem(503, error.problem.code, error.problem.message)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        answer = problem(error.status_code, _CODES.get(error.status_code, "bad_request"), f"{error.detail}.")
        answer.headers.update(error.headers or {})
        return answer
