"""Keeps values by their names."""


class Cache:
    """Values by name."""

    def __init__(self):
        self.values = {}

    def get(self, name):
        """The value of a name, or None."""
        return self.values.get(name)

    def put(self, name, value):
        """Keeps a value."""
        self.values[name] = value
