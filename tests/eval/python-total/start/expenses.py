"""What was spent: a line each, amount and reason."""

import sys


def read(path):
    """The amounts and reasons in a file."""
    with open(path, encoding="utf-8") as lines:
        return [(float(amount), reason) for amount, reason in (line.split(None, 1) for line in lines)]


def main(args):
    """Shows them."""
    for amount, reason in read(args[0]):
        print(f"{amount:.2f} {reason.strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
