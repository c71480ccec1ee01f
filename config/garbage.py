"""How often a process looks for garbage."""

import gc

# A flow, and a page, hold some ten to hundred thousand objects at a time that are no garbage. Looked through after
# every 700 new ones, as Python does, they took up to a third of the processor time.
THRESHOLDS = (20_000, 10, 10)


def search_less_often() -> None:
    """Never look through what is loaded by now, which stays; and through the rest when there is much of it."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
