"""``python -m cflowad``: what the package does on the command line."""

from __future__ import annotations

import argparse
import sys

from . import _cluster_command, export


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cflowad", description="Tools of the CFLOW-AD library.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="export|to-checkpoint|cluster")
    export.add_arguments(commands.add_parser("export", help="make a model file from PyTorch weights"))
    export.add_to_checkpoint_arguments(
        commands.add_parser("to-checkpoint", help="make a checkpoint of the original cflow-ad from a detector")
    )
    _cluster_command.add_arguments(
        commands.add_parser("cluster", help="score archives, or train many detectors, on one machine or several")
    )
    arguments = parser.parse_args()
    if arguments.command == "cluster":
        return _cluster_command.run(arguments)
    try:
        export.run(arguments)
    except export.ExportError as error:
        print(f"cflowad: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
