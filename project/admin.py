"""The admin's pages of accounts and groups: a change of who may do what leaves an entry."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from schedules.access import record
from schedules.querysets.clock import database_now

admin.site.unregister(Group)
admin.site.unregister(User)


class Recorded:
    """Leaves one entry for each account or group that is made, changed or deleted."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the row; what it was is kept until its groups and permissions are saved too."""
        form.facts_before = facts_of(obj) if change else {}
        super().save_model(request, obj, form, change)  # type: ignore[misc]  # of the other base

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save groups and permissions, with the entry of all that has changed."""
        super().save_related(request, form, formsets, change)  # type: ignore[misc]  # as above
        before, after = form.facts_before, facts_of(form.instance)
        changed = [name for name in after if before.get(name) != after[name]]
        if changed:
            _trace(
                "edit" if change else "create",
                request,
                form.instance,
                before={name: before[name] for name in changed} if change else None,
                after={name: after[name] for name in changed},
            )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row, with its entry."""
        _trace("delete", request, obj, before=facts_of(obj))
        super().delete_model(request, obj)  # type: ignore[misc]  # as above

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the rows, each with its entry."""
        for obj in queryset:
            self.delete_model(request, obj)


@admin.register(Group)
class RecordedGroupAdmin(Recorded, GroupAdmin):
    """Groups and their permissions."""


@admin.register(User)
class RecordedUserAdmin(Recorded, UserAdmin):  # type: ignore[type-arg]
    """Accounts, their groups and permissions."""

    @transaction.atomic
    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name
        form_url: str = "",
    ) -> HttpResponse:
        """Give the account another password, with an entry that does not hold it."""
        passwords = User.objects.filter(pk=id).values_list("password", flat=True)
        before = passwords.first()
        response = super().user_change_password(request, id, form_url)
        if passwords.first() != before:
            _trace("set_password", request, User.objects.get(pk=id))
        return response


def facts_of(obj: Any) -> dict[str, Any]:
    """Return what the account or group may do, as it is stored now."""
    stored = type(obj)._default_manager.get(pk=obj.pk)
    if isinstance(stored, Group):
        return {"name": stored.name, "permissions": _labels(stored.permissions)}
    return {
        "username": stored.get_username(),
        "is_active": stored.is_active,
        "is_staff": stored.is_staff,
        "is_superuser": stored.is_superuser,
        "groups": sorted(stored.groups.values_list("name", flat=True)),
        "permissions": _labels(stored.user_permissions),
    }


def _labels(permissions: Any) -> list[str]:
    named = permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in named)


def _trace(
    action: str,
    request: HttpRequest,
    obj: Any,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    record(
        action,
        subject=f"group:{obj.name}" if isinstance(obj, Group) else f"user:{obj.get_username()}",
        actor=request.user,
        source="admin",
        now=database_now(),
        before=before,
        after=after,
    )
