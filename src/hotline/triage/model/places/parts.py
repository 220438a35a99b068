"""The parts of an address inside an estate."""

from dataclasses import dataclass

PART_NAMES = ("building", "unit", "floor", "room")
LONGEST_PART = 20  # characters of one


@dataclass(frozen=True, slots=True)
class AddressParts:
    """Building, unit (the stairs behind one door), floor and room, as written on doors: "12", "2", "-1", "1203". None:
    not said."""

    building: str | None = None
    unit: str | None = None
    floor: str | None = None
    room: str | None = None


NO_PARTS = AddressParts()


def spoken_parts(parts: AddressParts) -> str:
    """As people say it: 12栋2单元5楼301室. Empty where nothing is known."""
    floor = parts.floor or ""
    if floor.startswith("-"):
        floor = f"负{floor[1:]}"
    return "".join(
        f"{value}{'' if value.endswith(ending) else ending}"
        for value, ending in ((parts.building, "栋"), (parts.unit, "单元"), (floor, "楼"), (parts.room, "室"))
        if value
    )
