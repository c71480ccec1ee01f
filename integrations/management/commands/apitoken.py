"""``manage.py apitoken``: make, list and revoke tokens of the REST API."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations.api.tokens import BadToken, create_token, revoke_token
from integrations.models import ApiScope, ApiToken


class Command(BaseCommand):
    """Make, list and revoke API tokens."""

    help = "Make, list and revoke tokens of the REST API. A token is printed once, when it is made."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, and for whom."""
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a token and print it, once")
        create.add_argument("name", help="what it is for; no two tokens have the same name")
        create.add_argument("--user", required=True, help="the staff member it acts for, with his permissions")
        create.add_argument(
            "--scope", action="extend", nargs="+", default=[], choices=ApiScope.values, metavar="SCOPE",
            help=f"what it may be used for: {', '.join(ApiScope.values)} (default: read)",
        )  # fmt: skip
        create.add_argument("--days", type=float, default=90.0, help="until it expires (default: 90)")
        actions.add_parser("list", help="all tokens, one JSON line each")
        revoke = actions.add_parser("revoke", help="end a token at once")
        revoke.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 2, with nothing changed, for bad use."""
        match options["action"]:
            case "create":
                self._create(options["name"], options["user"], options["scope"] or [ApiScope.READ], options["days"])
            case "list":
                self._list()
            case _:
                self._revoke(options["name"])

    def _create(self, name: str, username: str, scopes: list[str], days: float) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}. Nothing was made.", returncode=2)
        try:
            token, secret = create_token(name, user, scopes, days)
        except BadToken as error:
            raise CommandError(f"{error} Nothing was made.", returncode=2) from None
        self.stdout.write(json.dumps(_told(token) | {"token": secret}))
        self.stderr.write("Keep the token now: it is not shown again.")

    def _list(self) -> None:
        for token in ApiToken.objects.select_related("user").order_by("pk"):
            self.stdout.write(json.dumps(_told(token)))

    def _revoke(self, name: str) -> None:
        token = ApiToken.objects.select_related("user").filter(name=name).first()
        if token is None:
            raise CommandError(f"There is no token {name!r}.", returncode=2)
        revoke_token(token)
        token.refresh_from_db()
        self.stdout.write(json.dumps(_told(token)))


def _told(token: ApiToken) -> dict[str, Any]:
    times = {name: getattr(token, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    state = "revoked" if token.revoked_at else "valid" if token.is_valid(timezone.now()) else "expired"
    return {
        "name": token.name, "user": token.user.get_username(), "begins_with": token.start, "scopes": token.scopes,
        "state": state, **{name: time.isoformat() if time else None for name, time in times.items()},
    }  # fmt: skip
