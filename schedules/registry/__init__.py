"""What code declares: `@job` on a function, and the questions others ask about declarations.

Declaring only records. Rows are made by `operations.install`, runs by `dispatch`.
"""

from schedules.registry.arguments import InvalidArguments, argument_schema, check_arguments
from schedules.registry.checking import check_texts, named_checkers, texts_of
from schedules.registry.declaration import Declaration, job
from schedules.registry.lookup import (
    all_declared,
    declared_as,
    find,
    is_declared,
    load,
    refuse_map_of_declared,
)
from schedules.registry.secrets import Secret, reveal

__all__ = [
    "Declaration",
    "InvalidArguments",
    "Secret",
    "all_declared",
    "argument_schema",
    "check_arguments",
    "check_texts",
    "declared_as",
    "find",
    "is_declared",
    "job",
    "load",
    "named_checkers",
    "refuse_map_of_declared",
    "reveal",
    "texts_of",
]
