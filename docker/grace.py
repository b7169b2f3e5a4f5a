"""docker/grace.py SERVICE <PRINTED_CONFIG: is the service's stop_grace_period in compose.yaml longer than its drain?"""

import sys
import tomllib
from pathlib import Path

import yaml


def seconds(text):
    return float(text.removesuffix("s"))


compose = yaml.safe_load((Path(__file__).parent / "compose.yaml").read_text())
grace = seconds(compose["services"][sys.argv[1]]["stop_grace_period"])
config = tomllib.loads(sys.stdin.read())
drain = sum(seconds(config[key]) for key in ("drain_wait", "drain_grace", "close_timeout"))
if grace <= drain:
    sys.exit(f"stop_grace_period is {grace:g} s, and the drain takes up to {drain:g} s")
