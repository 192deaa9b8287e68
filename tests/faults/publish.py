#!/usr/bin/env python
"""Adds the figures of runs to docs/faults.json and writes docs/faults.md anew: publish.py FILE…"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.faults.figures import read_figures
from support.faults.page import add_up, merge, read_totals, render, write_totals

DOCS = Path(__file__).parents[2] / "docs"


def main(names: list[str]) -> None:
    runs = [run for name in names for run in read_figures(Path(name))]
    totals = merge(read_totals(DOCS / "faults.json"), add_up(runs))
    write_totals(DOCS / "faults.json", totals)
    (DOCS / "faults.md").write_text(render(totals), encoding="utf-8")
    print(f"published {len(runs)} runs; docs/faults.md shows {len(totals)} scenarios")


if __name__ == "__main__":
    main(sys.argv[1:])
