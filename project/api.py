"""The REST API of the application: the routers of the scheduler, and one of each area with one.

Read by `urls` before the addresses are: a router that is added later has none.
"""

from importlib.util import find_spec

from django.apps import apps
from django.utils.module_loading import import_string

from schedules.api.site import api

for area in apps.get_app_configs():
    if area.name.startswith("tasks.") and find_spec(f"{area.name}.api"):
        api.add_router(f"/{area.label}", import_string(f"{area.name}.api.router"))
