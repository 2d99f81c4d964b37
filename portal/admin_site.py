"""The clinic's admin: a closed list of models, and pages that the apps add to it.

The site opens for an active staff account with a staff role; the second factor is asked by
``portal.accounts.middleware``. ``site.page`` adds a desk (a view with its permission and menu
entry) the way ``site.register`` adds a model. Models are read-only unless they say otherwise,
and models of other packages (allauth registers some by itself) are not let in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from portal.crypto.fields import DecryptionError
from portal.errors import NotAllowed
from portal.permissions import Permission, allows

Text = str | Promise
# So many entries fit beside each other; more stand behind one button, in their groups.
SIDE_BY_SIDE = 5


class Group(models.TextChoices):
    """The headings of the menu, in their order."""

    PATIENTS = "patients", _("Patients")
    REQUESTS = "requests", _("Requests and letters")
    DISCLOSURES = "disclosures", _("Disclosures")
    INCIDENTS = "incidents", _("Reports and incidents")
    KEEPING = "keeping", _("Keeping")
    SAFEGUARDS = "safeguards", _("Safeguards")
    MAIL = "mail", _("Mail, money and accounts")
    NUMBERS = "numbers", _("Numbers")


@dataclass(frozen=True)
class Page:
    """One desk of the admin. ``menu`` is its entry on the home page, in ``group``; None hides it.

    ``leads``: it stands first in its group.
    """

    route: str
    view: Callable[..., HttpResponse]
    permission: Permission
    name: str
    title: Text
    menu: Text | None
    hint: Text
    count: Callable[[Any], int] | None
    group: Group | None
    leads: bool


class PortalAdminSite(admin.AdminSite):
    """Django's admin with one door, a closed list of models, and the clinic's own desks."""

    site_header = site_title = "Clinic"  # replaced per request by the template
    index_template = "admin/portal_index.html"
    enable_nav_sidebar = False
    final_catch_all_view = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._pages: list[Page] = []

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Let a model in only with an admin class that names its permission."""
        if admin_class is None or not issubclass(admin_class, ReadOnlyAdmin):
            return  # allauth and others register their models by themselves: not on this site
        super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        actor = getattr(request, "actor", None)
        active = bool(getattr(request.user, "is_active", False))
        return actor is not None and active and allows(actor, Permission.ADMIN_ENTER)

    def page(
        self, route: str, view: Callable[..., HttpResponse], permission: Permission, *, name: str,
        title: Text, menu: Text | None = None, hint: Text = "", count: Callable[[Any], int] | None = None,
        group: Group | None = None, leads: bool = False,
    ) -> None:
        """Add a desk at ``/admin/<route>`` as ``admin:<name>``, for roles with ``permission``.

        Raises ``ImproperlyConfigured`` for a menu entry without a group, or a group without an entry.
        """
        if (menu is None) != (group is None):
            raise ImproperlyConfigured(f"the desk {name} has a menu entry without a group, or a group without an entry")
        self._pages.append(Page(route, view, permission, name, title, menu, hint, count, group, leads))

    def _guarded(self, page: Page) -> Callable[..., HttpResponse]:
        @wraps(page.view)
        def view(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not self.has_permission(request) or not allows(request.actor, page.permission):
                raise NotAllowed(page.permission)
            return page.view(request, *args, **kwargs)

        return view

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's own pages say 403 to the wrong role; here a wrong person gets "not found" everywhere."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def hidden(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                return guarded(request, *args, **kwargs)
            except PermissionDenied as error:
                raise NotAllowed from error

        return hidden

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path(page.route, self._guarded(page), name=page.name) for page in self._pages
        ]
        return own + super().get_urls()

    def groups_for(self, request: Any, *, counted: bool) -> list[dict[str, Any]]:
        """This person's menu by group; ``counted``: each entry with its count of waiting work."""
        found = []
        for group in Group:
            desks = [
                {
                    "name": f"admin:{page.name}", "label": page.menu, "hint": page.hint,
                    "count": page.count(request.actor) if counted and page.count else None,
                }
                for page in sorted(self._pages, key=lambda page: not page.leads)
                if page.group == group and allows(request.actor, page.permission)
            ]
            if desks:
                found.append({"code": group.value, "label": group.label, "desks": desks})
        return found

    def each_context(self, request: Any) -> dict[str, Any]:
        context = super().each_context(request)
        if getattr(request, "actor", None) is not None and self.has_permission(request):
            groups = self.groups_for(request, counted=False)
            context["desk_menu"] = groups
            context["desks_side_by_side"] = sum(len(group["desks"]) for group in groups) <= SIDE_BY_SIDE
        return context

    def index(self, request: Any, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        groups = self.groups_for(request, counted=True)
        return super().index(request, {**(extra_context or {}), "desk_groups": groups})

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in page, with the second factor; the admin's own is not used."""
        if request.user.is_authenticated:
            raise Http404
        return redirect_to_login(request.GET.get("next") or request.get_full_path())

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """There is one page for it, which ends other sign-ins and mails a notice (P23)."""
        return redirect("account_change_password")

    def password_change_done(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404


class CappedPaginator(Paginator):
    """Counts no further than ``STOPS_AT``: a list of a million rows opens as fast as one of ten thousand.

    Pages beyond that are not offered; a filter or a search leads there.
    """

    STOPS_AT = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.STOPS_AT].count())

    @property
    def capped(self) -> bool:
        return self.count >= self.STOPS_AT


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A model that staff may look at, by role. Changing goes through services and desks.

    Lists never count all rows, and never load encrypted columns unless they are shown.
    """

    permission: Permission
    paginator = CappedPaginator
    show_full_result_count = False
    actions = None

    def has_module_permission(self, request: Any) -> bool:
        return allows(request.actor, self.permission)

    def has_view_permission(self, request: Any, obj: models.Model | None = None) -> bool:
        return allows(request.actor, self.permission)

    def has_add_permission(self, request: Any, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: models.Model | None = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Nothing is written there, so there is no such page."""
        raise Http404

    def log_addition(self, *_: Any) -> None:  # type: ignore[override]
        """The admin's own history is not used: the access log is (no PHI in admin history)."""

    log_change = log_deletion = log_addition  # type: ignore[assignment]


def readable(row: object, name: str) -> str:
    """One encrypted column in words, for a desk below the vault; a sentence where it cannot be read."""
    try:
        return str(getattr(row, name))
    except DecryptionError:
        return str(_("(This cannot be read.)"))


class _SiteProxy:
    """``site.register`` and ``site.page`` at import time of the apps' ``admin.py``."""

    def register(
        self, model: type[models.Model] | Iterable[type[models.Model]], admin_class: type[ReadOnlyAdmin]
    ) -> None:
        admin.site.register(model, admin_class)  # type: ignore[arg-type]

    def page(self, *args: Any, **kwargs: Any) -> None:
        admin.site.page(*args, **kwargs)  # type: ignore[attr-defined]


site = _SiteProxy()
