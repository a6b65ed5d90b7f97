"""What a browser sends back of an admin page that nobody has touched."""

from typing import Any

from django.forms import BaseForm


def untouched(page: Any) -> dict[str, Any]:
    """Return the fields of the page's form and of the forms below it, as they are shown."""
    forms: list[BaseForm] = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    shown = {bound.html_name: bound.value() for form in forms for bound in form}
    return {
        name: value for name, value in shown.items() if value is not None and value is not False
    }
