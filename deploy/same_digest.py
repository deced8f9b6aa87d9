"""same_digest.py FOLDER: takes out of a saved image (podman save --format docker-dir) what is different at each build of the same thing:
the id of the container that it was committed from, and in its history the ids of the images in between.
"""

import hashlib
import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
old = folder / manifest["config"]["digest"].removeprefix("sha256:")
config = json.loads(old.read_text())
config.pop("container", None)
for step in config["history"]:
    step.pop("comment", None)

text = json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
digest = hashlib.sha256(text).hexdigest()
old.unlink()
(folder / digest).write_bytes(text)
manifest["config"] |= {"digest": f"sha256:{digest}", "size": len(text)}
(folder / "manifest.json").write_text(json.dumps(manifest))
