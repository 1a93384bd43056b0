"""The front end: its tables, and the device's own code as an object."""

from stapes.frontend.front_end import FrontEnd
from stapes.frontend.tables import FrontEndTables, build_tables

__all__ = ["FrontEnd", "FrontEndTables", "build_tables"]
