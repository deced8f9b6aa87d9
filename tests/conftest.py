"""Makes tests/support importable for every test in Python, and the machine's own settings of no effect on them."""

import os
import sys
from pathlib import Path

SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))

# A proxy, an authority or an exporter setting of this machine would decide what is tested.
for name in list(os.environ):
    if name.lower() in {"http_proxy", "https_proxy", "no_proxy", "all_proxy"} or name.startswith("OTEL_"):
        del os.environ[name]
for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(name, None)
