"""Landmarks of a page, for people who do not see it: the theme has a menu, but no main part."""

from __future__ import annotations

from typing import Final

from django import template
from django.utils.safestring import SafeString

register = template.Library()

BESIDE_THE_MENU: Final = '<div id="main"'


@register.filter(is_safe=True)
def main_landmark(page: str) -> SafeString:
    """Return the markup of a page with all that stands beside the menu marked as the main part.

    The theme's element stands around its blocks, so a template can mark it only by copying the theme's page.
    """
    return SafeString(page.replace(BESIDE_THE_MENU, f'{BESIDE_THE_MENU} role="main"', 1))
