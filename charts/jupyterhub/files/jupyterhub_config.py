"""JupyterHub's configuration: what the chart computed, then secrets, then more Python.

Everything is data of the form class, trait, value. Later sources win:

1. `values/values.json`: the chart's settings with `hub.config` over them;
2. `keys/`, `existing/` and `sutler/`: files named `hub.config.<Class>.<trait>`, each with one secret;
3. `hub.extraConfig`.
"""

import json
import os
from binascii import a2b_hex
from pathlib import Path

from traitlets.config import get_config

c = get_config()

BASE = Path(os.environ.get("JUPYTERHUB_CHART_CONFIG", "/usr/local/etc/jupyterhub"))
SECRETS = ("keys", "existing", "sutler")
PREFIX = "hub.config."


def from_text(name, trait, text):
    """The value of a trait from a secret's text, where it is not a string."""
    if (name, trait) == ("JupyterHub", "cookie_secret"):
        return a2b_hex(text)
    if (name, trait) == ("CryptKeeper", "keys"):
        return [key.strip() for key in text.split(";") if key.strip()]
    return text


def secrets():
    """Class, trait and value of each secret file."""
    for folder in SECRETS:
        for path in sorted((BASE / folder).glob(PREFIX + "*")):
            name, dot, trait = path.name[len(PREFIX) :].partition(".")
            if dot and "." not in trait:
                yield name, trait, from_text(name, trait, path.read_text().rstrip("\n"))


values = json.loads((BASE / "values" / "values.json").read_text())

for name, traits in values["config"].items():
    for trait, value in traits.items():
        setattr(c[name], trait, value)

for name, trait, value in secrets():
    setattr(c[name], trait, value)

for name, code in sorted(values["extraConfig"].items()):
    exec(compile(code, f"hub.extraConfig.{name}", "exec"))
