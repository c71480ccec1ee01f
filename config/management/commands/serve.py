"""``manage.py serve``: workers and web server of one machine, stopped together."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.supervisor import AddressRefused, Supervisor, require_free
from integrations.management.arguments import at_least_one


class Command(BaseCommand):
    """Run qcluster and gunicorn as children of this process."""

    help = "Runs the workers and the web server on this machine until Ctrl-C or SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address and the size of the web server."""
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT")
        parser.add_argument("--web-workers", type=at_least_one, default=2)
        parser.add_argument("--threads", type=at_least_one, default=4)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 after a signal, 2 when nothing can be served there, 1 when a child ended by itself (a service
        manager then starts all anew)."""
        try:
            require_free(options["bind"])
        except AddressRefused as refusal:
            raise CommandError(str(refusal), returncode=2) from None
        supervisor = Supervisor()
        supervisor.stop_on_signals()
        try:
            supervisor.start_manage("workers", "qcluster")
            supervisor.start_web(options["bind"], workers=options["web_workers"], threads=options["threads"])
            self.stdout.write(f"OrderBridge at http://{options['bind']}/ (Ctrl-C stops it)")
            ended = supervisor.wait()
        finally:
            supervisor.stop()
        if ended:
            raise CommandError(f"The process {ended!r} ended by itself; see its messages above.", returncode=1)
