"""`python -m specgraph` is the same program as `specgraph`."""

from specgraph.cli.main import entry_point

if __name__ == "__main__":
    entry_point()
