"""The delivery engine. See ``engine.py`` for the way of one delivery, ``states.py`` for its states."""
