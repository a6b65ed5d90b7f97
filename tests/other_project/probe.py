"""Looks at the shop's pages as its owner and says as JSON what they answer."""

import io
import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup()

from django.contrib.staticfiles import finders  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from shop.models import Customer  # noqa: E402

import schedules  # noqa: E402

owner = Customer.objects.get()
client = Client()
client.force_login(owner)
PAGES = (
    "/ops/scheduler/",
    "/ops/api/v1/docs",
    "/ops/api/v1/openapi.json",
    "/ops/api/v1/scheduler/jobs",
    "/admin/",
    "/admin/schedules/job/",
    "/admin/schedules/run/",
    "/admin/schedules/token/",
    "/admin/django_celery_beat/periodictask/",
)
document = client.get("/ops/api/v1/openapi.json").json()
token = {"Authorization": f"Bearer {sys.argv[1]}"}
answer = Client().get("/ops/api/v1/scheduler/jobs/sell", headers=token)
ASKED = (
    ("GET", "/ops/api/v1/scheduler/jobs"),
    ("GET", "/ops/api/v1/scheduled-jobs/"),
    ("POST", "/ops/api/v1/scheduled-jobs/sell/trigger"),
)


def answers_for(role):
    """Make a user with the role by the command line, as its migration made it, and ask."""
    out = io.StringIO()
    call_command(
        "scheduler",
        "token",
        "create",
        "--user",
        f"{role}@shop",
        "--role",
        role,
        "--json",
        stdout=out,
        stderr=io.StringIO(),
    )
    headers = {"Authorization": f"Bearer {json.loads(out.getvalue())['token']}"}
    return [Client().generic(verb, path, headers=headers).status_code for verb, path in ASKED]


sys.stdout.write(
    json.dumps(
        {
            "schedules": schedules.__file__,
            "foreign": sorted({"tasks", "project"} & sys.modules.keys()),
            "pages": {page: client.get(page).status_code for page in PAGES},
            "outside": client.get("/api/v1/scheduler/jobs").status_code,
            "addresses": sorted({path.split("/api/")[0] for path in document["paths"]}),
            "style": bool(finders.find("schedules/dashboard.css")),
            "job": answer.json(),
            "roles": {role: answers_for(role) for role in ("super-admin", "hr-admin", "employee")},
        }
    )
)
