"""`python -m deploy.local`: hands over to the command line and returns its exit code."""

import sys

from deploy.local.cli import main

sys.exit(main())
