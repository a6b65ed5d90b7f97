"""A module of somebody else's that lacks what it needs."""

import os

BROKER = os.environ["A_VARIABLE_THAT_NOBODY_SETS"]
