"""The vendor's reference of a delivery: one number, or several with commas between them, as far as the column holds."""

from __future__ import annotations

LONGEST = 200
MORE = "…"


def kept(reference: str) -> str:
    """Return a reference as it is stored: whole numbers only, and a mark that there are more, as cut off a number
    would be another one.
    """
    if len(reference) <= LONGEST:
        return reference
    numbers = reference.split(",")
    while numbers and len(",".join([*numbers, MORE])) > LONGEST:
        numbers.pop()
    return ",".join([*numbers, MORE])


def numbers_in(reference: str) -> list[str]:
    """Return the numbers that a stored reference certainly names."""
    numbers = reference.split(",")
    if len(reference) >= LONGEST and len(numbers) > 1:
        numbers.pop()  # stored before whole numbers were kept: it may be cut off
    return [number.strip() for number in numbers if number.strip() not in ("", MORE)]


def names_all(reference: str) -> bool:
    """Return whether a stored reference names every number that it was to name."""
    return len(reference) < LONGEST and not reference.endswith(MORE)
