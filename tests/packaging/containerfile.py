"""Reads a Containerfile: enough of the format for ours."""

import json
import re
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "packaging/container/Containerfile"


class Stage:
    def __init__(self, base, name):
        self.base, self.name, self.steps = base, name, []

    def all(self, instruction):
        return [value for each, value in self.steps if each == instruction]

    def one(self, instruction):
        found = self.all(instruction)
        assert len(found) == 1, f"{instruction}: {found}"
        return found[0]

    def packages(self):
        """What it installs."""
        found = []
        for step in self.all("RUN"):
            for arguments in re.findall(r"apt-get install -y --no-install-recommends ([^&]*)", step):
                found += arguments.split()
        return found


def read():
    """The stages. A step is an instruction and the rest of its line, or the list that that is in JSON."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text())
    stages = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, rest = line.split(None, 1)
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
            continue
        assert instruction in ("RUN", "COPY", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"), line
        stages[-1].steps.append((instruction, json.loads(rest) if rest.startswith("[") else rest))
    return stages


def health_command(stage):
    return json.loads(stage.one("HEALTHCHECK").split("CMD ", 1)[1])
