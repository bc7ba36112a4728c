"""Keeps values by their names."""


class Cache:
    """Values by name, at most so many: the one used least recently goes first."""

    def __init__(self, limit=None):
        self.limit = limit
        self.values = {}

    def get(self, name):
        """The value of a name, or None."""
        if name not in self.values:
            return None
        self.values[name] = self.values.pop(name)
        return self.values[name]

    def put(self, name, value):
        """Keeps a value."""
        self.values.pop(name, None)
        self.values[name] = value
        if self.limit is not None and len(self.values) > self.limit:
            del self.values[next(iter(self.values))]
