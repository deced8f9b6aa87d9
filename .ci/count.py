"""Adds up the JUnit files that the lanes wrote, and the lanes that write none, into one line: `N passed, N failed`."""

import pathlib
import sys
import xml.etree.ElementTree as xml

# lanes whose tests are counted one by one in JUnit files; they count as a test of their own only when they failed
COUNTED = {"test", "asan", "asan-integration", "tsan", "gcc", "interop", "power", "deploy"}


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    passed = failed = skipped = 0
    for path in folder.glob("**/*.xml"):
        for case in xml.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                skipped += 1
            else:
                passed += 1
    for line in (folder / "lanes").read_text().splitlines():
        name, rc = line.rsplit(" ", 1)
        if rc != "0":
            failed += 1
        elif name not in COUNTED:
            passed += 1
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))


if __name__ == "__main__":
    main()
