"""Makes the pictures of the main pages: ``make screenshots``, or ``python docs/screenshots.py [--out DIRECTORY]``.

Starts the demo (both vendors' stand-ins, workers, web server), waits until the troubles that staff exist for are there,
and takes each page in a real Chromium. The demo's orders are always the same; times and counts follow the clock.
Needs the development tools (``make install-dev``) and Chromium, whose path ORDERBRIDGE_CHROMIUM may name.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.demo_environment import DEMO_PASSWORD, DEMO_USER  # noqa: E402 - the path comes first

CHROMIUM = os.environ.get("ORDERBRIDGE_CHROMIUM", "/usr/bin/chromium")
LANGUAGES = {"en": "en", "zh": "zh-hans"}
LONGEST_WAIT = 150.0
DESKTOP, TABLET = 1400, 820


@dataclass(frozen=True)
class Shot:
    """A picture: its name, the page (or the name of a step that finds it), and how it is looked at."""

    name: str
    address: str
    width: int = DESKTOP
    height: int = 900
    dark: bool = False


SHOTS = (
    Shot("start", "/admin/", height=1150),
    Shot("start-dark", "/admin/", dark=True),
    Shot("start-tablet", "/admin/", width=TABLET, height=1100),
    Shot("inbox", "/admin/integrations/cause/"),
    Shot("cause", "cause"),
    Shot("orders", "/admin/orders/order/"),
    Shot("order", "order", height=1250),
    Shot("compose", "compose", height=1000),
    Shot("flows", "/admin/integrations/flow/"),
    Shot("bulk", "bulk"),
    Shot("mappings", "/admin/inventory/skumapping/"),
    Shot("unmapped", "/admin/unmapped/"),
    Shot("policy", "policy", height=800),
    Shot("cancel", "cancel"),
    Shot("hold", "hold", height=700),
    Shot("stop", "/admin/integrations/vendorstop/stop/dsco/", height=700),
)


def main() -> int:
    """Take all pictures; 0 when they are there, 2 when something that is needed is missing."""
    parser = argparse.ArgumentParser(description="Pictures of the main pages, from the demo.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="directory for the PNG files")
    parser.add_argument("--only", nargs="*", default=[], help="names of the pictures to take, e.g. start order")
    arguments = parser.parse_args()
    if unknown := set(arguments.only) - {shot.name for shot in SHOTS}:
        parser.error(f"no such picture: {', '.join(sorted(unknown))}")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a development tool, perhaps not installed
    except ImportError:
        print("Playwright is missing: run make install-dev first.", file=sys.stderr)
        return 2
    if not Path(CHROMIUM).exists():
        print(f"No Chromium at {CHROMIUM}: install it, or set ORDERBRIDGE_CHROMIUM.", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    shots = [shot for shot in SHOTS if not arguments.only or shot.name in arguments.only]
    with demo() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        found = prepare(logged_in(browser, base, "en", SHOTS[0]))
        for language, code in LANGUAGES.items():
            for shot in shots:
                page = logged_in(browser, base, code, shot)
                page.goto(found.get(shot.address, shot.address))
                page.wait_for_load_state("networkidle")
                page.evaluate("document.activeElement.blur()")
                page.screenshot(path=arguments.out / f"{shot.name}-{language}.png", animations="disabled")
                page.context.close()
            print(f"{len(shots)} pictures, {language}")
        browser.close()
    return 0


@contextmanager
def demo() -> Iterator[str]:
    """Run ``manage.py demo`` on a free port; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own command
    try:
        for line in process.stdout or ():
            if line.startswith("OrderBridge demo:"):
                break
        else:
            raise SystemExit("The demo did not start; see its messages above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def logged_in(browser: Any, base: str, language: str, shot: Shot) -> Any:
    """Return a page on which the demo's user is logged in, in a language, as the picture wants it."""
    context = browser.new_context(
        base_url=base, viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.dark else "light",
    )  # fmt: skip
    context.add_cookies([{"name": "django_language", "value": language, "url": base}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto("/admin/login/")
    page.fill("#id_username", DEMO_USER)
    page.fill("#id_password", DEMO_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    return page


def prepare(page: Any) -> dict[str, str]:
    """Wait for the demo's troubles, retry what failed as a bulk run; return the addresses that are known only then."""
    give_up_at = time.monotonic() + LONGEST_WAIT
    to_decide = "#content table a[href*='/by-hand/']"
    page.goto("/admin/orders/shipment/by-hand/")
    while page.locator(to_decide).count() < 2:
        if time.monotonic() > give_up_at:
            raise SystemExit("The demo's orders with several packages did not come; is the machine too busy?")
        page.wait_for_timeout(2000)
        page.reload()
    found = {"compose": page.locator(to_decide).first.get_attribute("href")}
    page.goto("/admin/integrations/cause/")
    found["cause"] = page.locator(".ob-inbox a", has_text="SKU mapping missing").first.get_attribute("href")
    page.goto("/admin/orders/order/?worklist=several_packages")
    found["order"] = page.locator("#result_list th a").first.get_attribute("href")
    page.goto("/admin/orders/retailerpolicy/")
    found["policy"] = page.locator("a[href*='/retailerpolicy/of/']").first.get_attribute("href")
    page.goto("/admin/unmapped/")
    waiting = page.locator("table a[href*='/orders/order/']").first.get_attribute("href")
    found |= {name: waiting.replace("/change/", f"/act/{name}/") for name in ("hold", "cancel")}
    page.goto("/admin/orders/erppush/?status__in=failed,needs_attention")
    page.check("#action-toggle")
    page.select_option("select[name=action]", "retry_now")
    page.click("button[name=index]")
    page.click("form .ob-button-primary")
    page.wait_for_url("**/admin/integrations/bulkrun/*/change/")
    found["bulk"] = page.url
    return found


if __name__ == "__main__":
    sys.exit(main())
