"""`python -m consumer`: the command line without an installed script."""

from consumer.cli import main

main()
