"""The WSGI application for gunicorn."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
# The pages are loaded before the first visitor comes.
import_module("config.urls")
gc.freeze()  # what is loaded stays: no search for garbage looks through it again
