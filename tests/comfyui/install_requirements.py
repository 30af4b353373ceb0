"""Installs what the ComfyUI checkouts need, beside torch, into the environment that runs this script. Does nothing the second time.

    .venv/bin/python tests/comfyui/install_requirements.py [CHECKOUT ...]

Without arguments, the checkouts are those that the tests would find.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from checkouts import common_requirements, find_checkouts

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints-tested.txt"


def main() -> int:
    """Returns pip's exit status."""
    checkouts = find_checkouts(sys.argv[1:])
    if not checkouts:
        print("No ComfyUI checkout found: nothing to install. Set COMFYUI_DIR to one or more of them.")
        return 0
    requirements = common_requirements(checkouts)
    key = hashlib.sha256("\n".join([*requirements, CONSTRAINTS.read_text()]).encode()).hexdigest()[:16]
    stamp = Path(sys.prefix) / f".installed-comfyui-{key}"
    if stamp.exists():
        return 0
    print(f"Installing the requirements of ComfyUI {', '.join(checkout.version for checkout in checkouts)} into {sys.prefix}")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--constraint", str(CONSTRAINTS)]
    status = subprocess.run([*pip, *requirements], check=False).returncode
    if status == 0:
        stamp.touch()
    return status


if __name__ == "__main__":
    sys.exit(main())
