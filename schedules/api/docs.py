"""The documentation page: the OpenAPI document as a page without scripts."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def docs_view(read: Callable[[], Mapping[str, Any]]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view that shows the document which `read` returns."""

    def docs_page(request: HttpRequest) -> HttpResponse:
        """Show every operation with its parameters, body and answers."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = render(request, "schedules/api_docs.html", _context(read()))
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        return response

    return docs_page


def _context(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "info": document["info"],
        "operations": [
            _operation(method.upper(), path, operation)
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ],
        "schemas": [
            {"name": name, "about": schema.get("description", ""), "fields": _fields(schema)}
            for name, schema in sorted(document["components"]["schemas"].items())
        ],
    }


def _operation(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "about": operation.get("description") or operation["summary"],
        "parameters": [
            {
                "name": parameter["name"],
                "where": parameter["in"],
                "type": type_words(parameter["schema"]),
                "about": parameter.get("description", ""),
            }
            for parameter in operation["parameters"]
        ],
        "body": named(body["schema"]) if body else "",
        "answers": [
            {"status": status, "about": answer["description"]}
            for status, answer in operation["responses"].items()
        ],
    }


def _fields(schema: dict[str, Any]) -> list[dict[str, str]]:
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": type_words(field),
            "about": field.get("description", ""),
            "needed": "yes" if name in required else "",
        }
        for name, field in schema.get("properties", {}).items()
    ]


def named(schema: dict[str, Any]) -> str:
    """Return the name of the schema that a body has, also where it may be left out."""
    choices = [choice for choice in schema.get("anyOf", [schema]) if "$ref" in choice]
    return type_words(choices[0]) if choices else ""


def type_words(schema: dict[str, Any]) -> str:
    """Return a JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for word in ("anyOf", "allOf", "oneOf"):
        if word in schema:
            return " or ".join(type_words(choice) for choice in schema[word])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or schema.get("const") or "any")
