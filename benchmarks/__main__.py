"""`python -m benchmarks [NAME ...]`: run the benchmarks of this folder, each a module with `main()`.

Wall clock is worthless on shared machines: figures are CPU seconds and instruction counts, ratios within one run.
"""

import importlib
import pkgutil
import sys
from pathlib import Path


def main(names):
    found = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))
    unknown = [n for n in names if n not in found]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(found)}")
    for name in names or found:
        print(f"\n== {name}", flush=True)
        try:
            benchmark = importlib.import_module(f"benchmarks.{name}")
        except ModuleNotFoundError as error:  # a checkout that is not built says so, and what to do
            sys.exit(str(error))
        benchmark.main()


if __name__ == "__main__":
    main(sys.argv[1:])
