"""The device's own code and data as Python objects."""
