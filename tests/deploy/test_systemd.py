"""The unit, under a real systemd: how far it is closed, who it runs as, where keys come from, and what happens when it dies."""

from __future__ import annotations

import re

from forager import ROOT, wait_until

PAGE = ROOT / "docs/platforms/systemd.md"
KEY = "hcaik_01" + "b" * 56
EXPOSURE = 1.2  # of systemd-analyze security; the page quotes it


def exposure(said: str) -> float:
    return float(re.search(r"Overall exposure level for \S+: ([\d.]+) OK", said)[1])


def test_the_file_is_right_and_closed(machine):
    """systemd's own judges: no complaint about the file, and no more exposure than the page says."""
    machine.install()
    assert machine.do("systemd-analyze verify --man=no /lib/systemd/system/forager.service") == ""
    machine.put(ROOT / "deploy/systemd/forager.service", "/root/forager.service")
    for what in ("--offline=yes /root/forager.service", "forager.service"):
        assert exposure(machine.do(f"systemd-analyze security --no-pager {what}")) <= EXPOSURE
    assert f"**{EXPOSURE}**" in PAGE.read_text()


def test_it_runs_as_nobody_with_nothing(machine):
    """A user of its own, no capability, no new privilege, a filter of system calls; it can't write but to its own directory."""
    machine.installed()
    status = machine.process_file("status")
    assert machine.user() == int(machine.do("id -u forager")) != 0
    for kind in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        assert re.search(rf"^{kind}:\s+0+$", status, re.M), status
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M) and re.search(r"^Seccomp:\s+2$", status, re.M)
    mounts = machine.process_file("mountinfo")
    assert re.search(r" / / ro[, ]", mounts) and re.search(r" /var/lib/forager rw[, ]", mounts), mounts
    assert machine.do("stat -c '%a %U' /var/lib/forager").split() == ["700", "forager"]
    assert "keeping data on disk in /var/lib/forager" in machine.log()


def test_a_key_is_a_file(machine):
    """As the page says: the key into /etc/forager/keys, its name into forager.env. Guarantees: Honeycomb gets the data, and the key is in
    neither the environment nor the log; a new one needs no restart; a file that isn't there is said by name, and not tried for ever."""
    machine.installed()
    line = re.search(r"^#(HONEYCOMB_API_KEY_FILE=\S+)$", (ROOT / "deploy/packages/forager.env").read_text(), re.M)[1]
    machine.do(f"echo {line} >>/etc/forager/forager.env")
    machine.do("systemctl restart forager", check=False)
    wait_until(lambda: machine.property("ActiveState") == "failed", 20, "the end of a start without a key")
    assert machine.property("ExecMainStatus") == "64" and machine.property("NRestarts") == "0"
    assert "/etc/forager/keys/honeycomb" in machine.log()
    machine.write("/etc/forager/keys/honeycomb", KEY, group="forager")
    machine.do("systemctl restart forager")
    machine.wait_ready()
    assert "delivering traces, metrics, logs to honeycomb" in machine.log()
    before = machine.property("MainPID")
    machine.write("/etc/forager/keys/honeycomb", KEY[:-1] + "c", group="forager")
    wait_until(lambda: "was replaced, from /etc/forager/keys/honeycomb" in machine.log(), 20, "the new key")
    assert machine.property("MainPID") == before
    assert KEY[:-1] not in machine.process_file("environ") and KEY[:-1] not in machine.log()


def test_killed_it_is_back_with_everything(machine):
    """Scenario: a demo to a destination that is away, kill -9 six times. Guarantees: systemd starts it again, and what was answered 200 is there."""
    machine.install()
    machine.do(f"printf 'HONEYCOMB_API_KEY={KEY}\\nHONEYCOMB_API_ENDPOINT=http://127.0.0.1:9\\n' >/etc/forager/forager.env")
    machine.do("systemctl restart forager")
    machine.wait_ready()
    machine.do("forager demo")
    for _ in range(6):  # systemd's own default gives up after five
        before = machine.property("MainPID")
        machine.do("systemctl kill -s KILL forager")
        wait_until(lambda before=before: machine.property("MainPID") not in ("0", before), 20, "another process")
    machine.wait_ready()
    assert machine.held("honeycomb") == 23 and machine.property("NRestarts") == "6"


def test_it_has_time_to_stop(machine):
    """Forager's own grace ends before systemd's patience."""
    machine.installed()
    assert "FORAGER_STOP_GRACE=15s" in machine.process_file("environ")
    assert machine.property("TimeoutStopUSec") == "20s"
