#!/usr/bin/env python3
"""Checks licences and sources of all dependencies against deny.toml, where cargo-deny is not installed.

A licence expression is good if one side of each OR, and both sides of each AND, is allowed. The project
itself and crates with an exception in deny.toml are looked at in the same way.
"""
import json
import re
import subprocess
import sys
import tomllib

with open("deny.toml", "rb") as file:
    rules = tomllib.load(file)
allowed = set(rules["licenses"]["allow"])
exceptions = {e.get("name") or e["crate"]: set(e["allow"]) for e in rules["licenses"].get("exceptions", [])}
metadata = subprocess.run(
    ["cargo", "metadata", "--locked", "--format-version", "1"], capture_output=True, text=True, check=True
)
packages = json.loads(metadata.stdout)["packages"]


def good(expression, names):
    """Evaluates an SPDX expression; the old `MIT/Apache-2.0` is an OR."""
    tokens = re.findall(r"[()]|[^\s()]+(?: WITH [^\s()]+)?", expression.replace("/", " OR "))

    def either():
        value = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            value = both() or value
        return value

    def both():
        value = single()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            value = single() and value
        return value

    def single():
        token = tokens.pop(0)
        if token != "(":
            return token in names
        value = either()
        tokens.pop(0)
        return value

    return either()


problems = []
for package in packages:
    licence, source = package["license"], package["source"]
    names = allowed | exceptions.get(package["name"], set())
    if not licence or not good(licence, names):
        problems.append(f"{package['name']} {package['version']}: licence {licence}")
    if source and not source.startswith("registry+https://github.com/rust-lang/crates.io-index"):
        problems.append(f"{package['name']} {package['version']}: comes from {source}")
print("\n".join(problems) or f"{len(packages)} packages have licences that deny.toml allows")
sys.exit(1 if problems else 0)
