"""Parameters in an address that nobody knows are refused, as unknown fields of a body are."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from ninja.operation import Operation

from schedules.rest.problems import problem

Run = Callable[..., Any]


def known_only(run: Run) -> Run:
    """Wrap the `run` of an operation: 422 for a parameter that it does not take.

    A filter that was mistyped would otherwise answer with everything, and look like the answer.
    """
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # ninja hands over a method
    taken = _taken(operation)

    @wraps(run)
    def answer(request: HttpRequest, **steps: Any) -> Any:
        unknown = [name for name in request.GET if name not in taken]
        if not unknown:
            return run(request, **steps)
        # Who may not ask at all hears that first.
        return operation._run_checks(request) or _refused(unknown, taken)

    return answer


def _taken(operation: Operation) -> list[str]:
    models = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return [name for model in models for name in getattr(model, "__ninja_flatten_map__", {})]


def _refused(unknown: list[str], taken: list[str]) -> Any:
    accepted = f"{', '.join(taken)} may be given" if taken else "this address takes none"
    errors = [{"detail": accepted, "parameter": name[:200]} for name in unknown[:20]]
    return problem(422, f"{unknown[0][:200]!r} is no parameter here: {accepted}.", errors=errors)
