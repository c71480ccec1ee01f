"""``manage.py unlock``: who can't log in after too many failures, and letting them again."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.login_lock import open_locks, unlock
from config.second_factor import remove_second_factor


class Command(BaseCommand):
    """For engineers, and for the administrator who locked himself out."""

    help = "Shows which accounts and addresses are locked after failed log-ins, and unlocks them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to unlock; nothing only shows."""
        parser.add_argument("--user", default="", help="unlock this account")
        parser.add_argument("--address", default="", help="unlock this address")
        parser.add_argument("--all", action="store_true", help="unlock everything")
        parser.add_argument("--second-factor", action="store_true", help="with --user: remove the second factor, too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when done, 1 for a user that does not exist, 2 for bad use."""
        user, address = options["user"].strip(), options["address"].strip()
        if options["second_factor"] and not user:
            raise CommandError("--second-factor needs --user.", returncode=2)
        if options["all"] or user or address:
            number = unlock() if options["all"] else unlock(account=user, address=address)
            self.stdout.write(f"{number} records of failed log-ins removed.")
        if options["second_factor"]:
            self._remove_second_factor(user)
        locks = open_locks()
        for lock in locks:
            what = f"account {lock.account}" if lock.account else f"address {lock.address}"
            self.stdout.write(f"locked: {what}, {lock.failures} failures, until {lock.until:%Y-%m-%d %H:%M:%S} UTC")
        if not locks:
            self.stdout.write("Nothing is locked.")

    def _remove_second_factor(self, name: str) -> None:
        found = get_user_model()._default_manager.filter(username=name).first()
        if found is None:
            raise CommandError(f"There is no user {name!r}.")
        removed = remove_second_factor(found)
        self.stdout.write(f"Second factor of {name} removed." if removed else f"{name} has no second factor.")
