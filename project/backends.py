"""How accounts log in and what they may do: Django's own way, with half of its statements."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class AccountBackend(ModelBackend):
    """Reads a user's own permissions and those of its groups in one statement: most requests of the
    API need nothing else of them.
    """

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return all of them as `app.codename`; none for one object, as Django's backend."""
        if not user_obj.is_active or user_obj.is_superuser or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            names = "content_type__app_label", "codename"
            own = Permission.objects.filter(user=user_obj).order_by().values_list(*names)
            of_groups = Permission.objects.filter(group__user=user_obj).order_by()
            both = own.union(of_groups.values_list(*names))
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in both}
        found: set[str] = user_obj._perm_cache
        return found
