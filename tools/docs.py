"""Write the generated pages of docs/ and the console blocks of hand-written ones.

With --check, say which are out of date and exit 1.
"""

import os
import sys
from pathlib import Path

from specgraph.documentation.console import PAGES_WITH_CONSOLE, refresh
from specgraph.documentation.pages import PAGES

ROOT = Path(__file__).parents[1]
wanted = {name: page() for name, page in PAGES.items()}
check = "--check" in sys.argv
sources = [name for name in wanted if name.endswith(".py")]
changed = [name for name in sources if (ROOT / name).read_text(encoding="utf-8") != wanted[name]]
if changed and not check:  # the commands on the pages must run with them
    for name in changed:
        (ROOT / name).write_text(wanted[name], encoding="utf-8")
    print(f"written: {', '.join(changed)}")
    os.execv(sys.executable, [sys.executable, *sys.argv])
for name in PAGES_WITH_CONSOLE:
    if (ROOT / name).exists():
        wanted[name] = refresh((ROOT / name).read_text(encoding="utf-8"), ROOT)

stale = []
for name, text in wanted.items():
    path = ROOT / name
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
print(f"{'out of date' if check else 'written'}: {', '.join(stale) or 'none'}")
sys.exit(bool(stale) and check)
