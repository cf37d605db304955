"""`python -m hearing_server.cli`: the same as the installed `palmcourt`."""

import sys

from hearing_server.cli import main

sys.exit(main())
