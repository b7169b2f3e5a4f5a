"""Command lines of the bench's programs."""

import argparse
import sys


class Arguments(argparse.ArgumentParser):
    """Says what is wrong in one line, without the whole usage; exit code 2."""

    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
