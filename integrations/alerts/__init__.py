"""Alerts: what is worth telling (``book``, ``sources``), in which words (``messages``), to whom and how (``sending``,
``channels``, ``webhooks``). ``tasks`` is what the clock calls every minute."""
