"""What was spent: a line each, amount and reason."""

import sys


def read(path):
    """The amounts and reasons in a file."""
    with open(path, encoding="utf-8") as lines:
        return [(float(amount), reason) for amount, reason in (line.split(None, 1) for line in lines)]


def main(args):
    """Shows them, and with `--total` their sum."""
    total = "--total" in args
    path = next(arg for arg in args if arg != "--total")
    spent = read(path)
    for amount, reason in spent:
        print(f"{amount:.2f} {reason.strip()}")
    if total:
        print(f"total {sum(amount for amount, _ in spent):.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
