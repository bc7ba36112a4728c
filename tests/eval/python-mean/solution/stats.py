"""Statistics of lists of numbers."""


def mean(values):
    """The mean of some values."""
    return sum(values) / len(values)
