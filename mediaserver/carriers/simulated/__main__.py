"""`python -m mediaserver.carriers.simulated`: the simulated phone network as a process of its own."""

import sys

from mediaserver.carriers.simulated.network import main

sys.exit(main())
