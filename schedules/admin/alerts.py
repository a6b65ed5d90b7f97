"""Channels and rules with their forms, and what was delivered."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import DateTimeField, Model, QuerySet, Value
from django.http import HttpRequest
from django.utils.safestring import SafeString

from schedules.access import may_manage, may_view_details
from schedules.admin.badges import badge, moment
from schedules.admin.reading import SchedulerAdmin
from schedules.alerts import channels as channel_verbs
from schedules.alerts import rules as rule_verbs
from schedules.alerts.calling import signing_secret
from schedules.alerts.channels import checked_target, shown_target
from schedules.alerts.decide import is_muted
from schedules.errors import InvalidInput, Refused
from schedules.models import Alert, AlertChannel, AlertRule, Delivery
from schedules.querysets.clock import database_now
from schedules.states import ChannelKind


class ChannelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A channel; the target of an existing webhook is shown masked, and kept unless it is typed."""

    target = forms.CharField(
        widget=forms.TextInput(attrs={"size": 80, "autocomplete": "off"}),
        help_text="Addresses with commas, or the https:// URL that is called.",
    )

    class Meta:
        model = AlertChannel
        fields = ("name", "kind", "target", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["target"] = shown_target(self.instance)

    def clean(self) -> dict[str, Any]:
        """Refuse a target that may not be used."""
        values = super().clean() or {}
        kind = values.get("kind") or self.instance.kind
        target = values.get("target", "")
        if self.instance.pk and target == shown_target(self.instance):
            values.pop("target", None)
        elif kind and target:
            try:
                values["target"] = checked_target(kind, target)
            except InvalidInput as refusal:
                self.add_error("target", str(refusal))
        return values

    def _post_clean(self) -> None:
        """Leave the object as it is: the verb puts the values on it, with a trace of the old."""


@admin.register(AlertChannel)
class AlertChannelAdmin(SchedulerAdmin):
    """Where alerts go."""

    form = ChannelForm
    list_display = ("name", "kind", "where", "is_enabled")
    ordering = ("name",)
    actions = ("send_test",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A channel's kind stays."""
        return ("kind",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save over the verbs; a new webhook's key is shown once."""
        who: dict[str, Any] = {"by": request.user, "source": "admin", "now": database_now()}
        values = form.cleaned_data
        if change:
            changes = {name: values[name] for name in channel_verbs.EDITABLE if name in values}
            channel_verbs.edit_channel(obj, changes=changes, **who)
            return
        made = channel_verbs.create_channel(
            **{name: values[name] for name in ("name", "kind", "target", "is_enabled")}, **who
        )
        obj.pk, obj.name, obj.kind, obj.target = made.pk, made.name, made.kind, made.target
        obj.created_at = made.created_at
        if made.kind != ChannelKind.EMAIL:
            self.message_user(request, f"{made.name} signs with {signing_secret(made)}")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete over the verb."""
        channel_verbs.delete_channel(obj, by=request.user, source="admin", now=database_now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete each over the verb."""
        for channel in queryset:
            self.delete_model(request, channel)

    @admin.display(description="Target")
    def where(self, channel: AlertChannel) -> str:
        """Show the target without a secret."""
        return shown_target(channel)

    @admin.action(description="Send a test", permissions=["operate"])
    def send_test(self, request: HttpRequest, channels: QuerySet[AlertChannel]) -> None:
        """Send a test message over each selected channel."""
        for channel in channels:
            try:
                channel_verbs.send_test(
                    channel, by=request.user, source="admin", now=database_now()
                )
            except Refused as refusal:
                self.message_user(request, str(refusal), messages.ERROR)
            else:
                words = f"A test is on its way to {channel.name}; Deliveries show it."
                self.message_user(request, words)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule; what is left empty has the kind's own default."""

    class Meta:
        model = AlertRule
        fields = ("name", "kind", "job", "channels", "times", "after", "gather", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("name", "times", "gather"):
            self.fields[name].required = False
        if not self.instance.pk:
            self.initial.pop("times", None)
            self.initial.pop("gather", None)
        if "kind" in self.fields:
            choices = [(str(kind), kind.label) for kind in rule_verbs.KINDS]
            self.fields["kind"] = forms.ChoiceField(choices=choices)

    def clean(self) -> dict[str, Any]:
        """Refuse what makes no sense, at the field that is wrong."""
        values = super().clean() or {}
        if not self.errors:
            try:
                rule_verbs.check_rule(self.instance, values)
            except InvalidInput as refusal:
                where = refusal.field if refusal.field in self.fields else None
                self.add_error(where, str(refusal))
        return values

    def _post_clean(self) -> None:
        """Leave the object as it is: the verb puts the values on it, with a trace of the old."""


@admin.register(AlertRule)
class AlertRuleAdmin(SchedulerAdmin):
    """Who is told what."""

    form = RuleForm
    list_display = ("name", "kind", "job", "to", "is_enabled", "muted")
    list_select_related = ("job",)
    autocomplete_fields = ("job",)
    list_filter = ("kind", "is_enabled")
    ordering = ("name", "id")
    actions = ("mute", "unmute")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        """The rules with their channels and the instant of reading."""
        rules: QuerySet[AlertRule] = super().get_queryset(request)
        return rules.prefetch_related("channels").annotate(
            read_at=Value(database_now(), DateTimeField())
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who manage the scheduler."""
        return may_manage(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A rule's kind stays."""
        return ("kind",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save over the verbs."""
        who: dict[str, Any] = {"by": request.user, "source": "admin", "now": database_now()}
        values = form.cleaned_data
        if change:
            rule_verbs.edit_rule(obj, changes=values, **who)
        else:
            obj.pk = rule_verbs.create_rule(**values, **who).pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the verbs have saved the channels too."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete over the verb."""
        rule_verbs.delete_rule(obj, by=request.user, source="admin", now=database_now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete each over the verb."""
        for rule in queryset:
            self.delete_model(request, rule)

    @admin.display(description="Channels")
    def to(self, rule: AlertRule) -> str:
        """Show the channels."""
        return ", ".join(channel.name for channel in rule.channels.all())

    @admin.display(description="Muted")
    def muted(self, rule: Any) -> SafeString | str:
        """Show by whom it is silenced, and until when."""
        if not is_muted(rule, now=rule.read_at):
            return "-"
        return badge("paused", f"by {rule.muted_by}")

    @admin.action(description="Mute", permissions=["operate"])
    def mute(self, request: HttpRequest, rules: QuerySet[AlertRule]) -> None:
        """Silence the selected rules until they are unmuted."""
        for rule in rules:
            rule_verbs.mute_rule(rule, by=request.user, source="admin", now=database_now())

    @admin.action(description="Unmute", permissions=["operate"])
    def unmute(self, request: HttpRequest, rules: QuerySet[AlertRule]) -> None:
        """Let the selected rules speak again."""
        for rule in rules:
            rule_verbs.unmute_rule(rule, by=request.user, source="admin", now=database_now())


class AlertInline(admin.TabularInline):  # type: ignore[type-arg]
    """The alerts in a delivery, as far as they were kept."""

    model = Alert
    fields = readonly_fields = ("at", "job_key", "execution_id", "text")
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may see the delivery."""
        return may_view_details(request.user)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Delivery)
class DeliveryAdmin(SchedulerAdmin):
    """What was sent, or is about to be."""

    list_display = ("opened_at", "channel_name", "rule_name", "kind", "count", "status", "answered")
    list_filter = ("state", "kind")
    ordering = ("-opened_at", "-id")
    inlines = (AlertInline,)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Those who may see the details of runs: errors are quoted here."""
        return may_view_details(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """The deliveries with the instant of reading."""
        deliveries: QuerySet[Delivery] = super().get_queryset(request)
        return deliveries.annotate(read_at=Value(database_now(), DateTimeField()))

    @admin.display(description="State")
    def status(self, delivery: Any) -> SafeString | str:
        """Show where it stands."""
        return badge(delivery.state)

    @admin.display(description="Answer")
    def answered(self, delivery: Any) -> SafeString | str:
        """Show what came of it, or when it is tried again."""
        if delivery.next_at is not None:
            return moment(delivery.next_at, now=delivery.read_at)
        return delivery.answer or delivery.error or "-"
