"""The OpenAPI 3.1 document, made from the table of routes."""

import inspect
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from mediaserver.api.idempotency import KEY_HEADER
from mediaserver.api.routes import PREFIX, Route

_REFERENCE = "#/components/schemas/{model}"
_PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details; `problems`: field -> what is wrong with it and what to do",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_KEY: Mapping[str, Any] = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": "a word of yours for this command: sent again within a day, it is not done again, and the first answer comes back",
    "schema": {"type": "string", "maxLength": 200},
}
_CSV_FORM: Mapping[str, Any] = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    references, definitions = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Callwright",
            "version": version("callwright"),
            "description": "Campaigns, contacts, calls. Ids are strings, times RFC 3339 with zone; lists are paged by `cursor`.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Problem": _PROBLEM},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "callwright_session"},
            },
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[Mapping[Any, dict[str, Any]], dict[str, Any]]:
    """By (model, mode), how to refer to it; and all definitions."""
    used: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for route in routes:
        used |= dict.fromkeys((model, "validation") for model in route.takes if model is not None)
        if (answer := _answer(route)) is not None:
            used[answer, "serialization"] = None
    references, root = models_json_schema(list(used), ref_template=_REFERENCE)
    return references, root["$defs"]


def _answer(route: Route) -> type[BaseModel] | None:
    return route.returns if route.returns is not None and issubclass(route.returns, BaseModel) else None


def _operation(route: Route, references: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "tags": [route.path.split("/")[1]],
        "summary": inspect.getdoc(route.handler),
        "description": f"Needs the role {route.role}.",
        "parameters": [*_path_parameters(route), *_query_parameters(route), *([_KEY] if route.once else [])],
        "responses": {str(route.status): _success(route, references), "default": _problem()},
    }
    body = route.takes[1]
    if body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": references[body, "validation"]}}}
    if route.upload:
        said["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _CSV_FORM}}}
    return said


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": r"^\d{1,18}$"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    query = route.takes[0]
    if query is None:
        return []
    schema = query.model_json_schema(ref_template=_REFERENCE)
    inlined = schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": _inline(value, inlined)}
        for name, value in schema["properties"].items()
    ]


def _inline(value: Any, definitions: Mapping[str, Any]) -> Any:
    """A schema with what it refers to (the values of a status) written out in place."""
    if isinstance(value, dict):
        if (reference := value.get("$ref")) is not None:
            return definitions[reference.rpartition("/")[2]]
        return {name: _inline(part, definitions) for name, part in value.items()}
    return [_inline(part, definitions) for part in value] if isinstance(value, list) else value


def _success(route: Route, references: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    answer = _answer(route)
    if answer is not None:
        return {"description": "Done", "content": {"application/json": {"schema": references[answer, "serialization"]}}}
    if route.returns is None or route.status == 204:
        return {"description": "Done, with nothing to say"}
    return {"description": "The file", "content": {route.file_type: {"schema": {"type": "string", "format": "binary"}}}}


def _problem() -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model="Problem")}
    return {"description": "What is wrong and what to do", "content": {"application/problem+json": {"schema": schema}}}
