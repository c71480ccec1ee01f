"""The WSGI application for gunicorn."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

from config.garbage import search_less_often

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# The pages are loaded before the first visitor comes.
import_module("config.urls")
search_less_often()
