"""The Debian package: as Debian wants it, installed, used, upgraded, removed and purged on a Debian with systemd as process 1."""

from __future__ import annotations

import subprocess

from forager import ROOT, wait_until
from machine import PACKAGE

ENV = "/etc/forager/forager.env"
KEY = "hcaik_01" + "a" * 56


def test_it_is_as_debian_wants_it():
    """lintian finds neither error nor warning; what is overridden has its reason in docs/platforms/debian.md."""
    done = subprocess.run(["lintian", "--no-cfg", "--allow-root", "--fail-on", "error", str(PACKAGE)], capture_output=True, text=True, check=False)  # fmt: skip
    tags = {line.split()[2] for line in done.stdout.splitlines() if line[:3] in ("E: ", "W: ")}
    assert done.returncode == 0 and not tags, done.stdout + done.stderr
    page = (ROOT / "docs/platforms/debian.md").read_text()
    overridden = [line.split()[1] for line in (ROOT / "deploy/packages/lintian-overrides").read_text().splitlines() if line[0] != "#"]
    for tag in overridden:
        assert f"`{tag}`" in page, tag


def test_it_brings_the_licence_of_everything_in_the_binary(tmp_path):
    """Of each library that was linked as an archive, named by path or by -l; and what the binary says of itself."""
    subprocess.run(["dpkg-deb", "-x", str(PACKAGE), str(tmp_path)], check=True)
    licences = (tmp_path / "usr/share/doc/forager/copyright").read_text()
    linked = ("libabsl-dev", "libc-ares-dev", "libcli11-dev", "libdeflate-dev", "libgrpc++-dev", "libgrpc-dev", "libprotozero-dev", "libre2-dev",
              "libssl-dev", "libyaml-cpp-dev", "libzstd-dev", "zlib1g-dev")  # fmt: skip
    assert [name for name in linked if f"==== {name} ====" not in licences] == []
    for file in ("man/man1/forager.1.gz", "bash-completion/completions/forager", "zsh/vendor-completions/_forager", "fish/vendor_completions.d/forager.fish"):
        assert (tmp_path / "usr/share" / file).stat().st_size > 500, file


def test_installed_it_runs_and_stopped_it_accounts_for_everything(machine):
    """Scenario: install, one demo, stop. Guarantees: it starts by itself and with every boot, takes data, and its books balance."""
    machine.installed()
    assert machine.do("systemctl is-enabled forager").strip() == "enabled"
    assert "sent 1 trace of 12 spans" in machine.do("forager demo")
    assert machine.do("stat -c '%a %U %G' /etc/forager/forager.env /etc/forager/keys").split() == ["640", "root", "root", "750", "root", "forager"]
    machine.do("systemctl stop forager")
    assert machine.property("Result") == "success" and machine.property("ExecMainStatus") == "0"
    assert "hive: 12 delivered" in machine.last_ledger() and "lost" not in machine.last_ledger()


def test_an_upgrade_keeps_settings_and_what_is_held(machine, tmp_path):
    """Scenario: the destination is away, 12 spans wait, the same package is installed again and then a newer one.
    Guarantees: another process runs each time, with the settings that were changed, and the spans still wait."""
    machine.installed()
    machine.write(ENV, f"HONEYCOMB_API_KEY={KEY}\nHONEYCOMB_API_ENDPOINT=http://127.0.0.1:9\nFORAGER_STOP_GRACE=2s\n")
    machine.do("systemctl restart forager")
    machine.wait_ready()
    machine.do("forager demo")
    assert machine.held("honeycomb") == 12 + 6 + 5
    subprocess.run(["cpack", "-B", str(tmp_path), "-D", "CPACK_DEBIAN_PACKAGE_RELEASE=2"], cwd=PACKAGE.parent.parent, check=True, capture_output=True)
    machine.put(next(tmp_path.glob("*.deb")), "/root/newer.deb")
    for package, version in (("/root/forager.deb", "0.1.0-1"), ("/root/newer.deb", "0.1.0-2")):
        before = machine.property("MainPID")
        machine.install(package)
        assert machine.do("dpkg-query -W -f '${Version}' forager") == version
        wait_until(lambda old=before: machine.property("MainPID") not in ("0", old), 20, "a new process")
        machine.wait_ready()
        assert KEY in machine.do(f"cat {ENV}") and machine.held("honeycomb") == 23
    assert KEY not in machine.log()


def test_an_upgrade_leaves_alone_what_was_turned_off(machine):
    """Whoever disabled and stopped it finds it so afterwards."""
    machine.installed()
    machine.do("systemctl disable --now forager")
    machine.install()
    assert machine.do("systemctl is-enabled forager", check=False).strip() == "disabled"
    assert machine.property("ActiveState") == "inactive"


def test_removed_it_keeps_settings_and_data_and_purged_nothing(machine):
    """Scenario: data, a key, a changed setting; remove, install again, purge. Guarantees: the first keeps them, the last leaves no trace."""
    machine.installed()
    machine.write("/etc/forager/keys/honeycomb", KEY, group="forager")
    machine.write(ENV, "FORAGER_LOG_LEVEL=debug\n")
    machine.do("forager demo")
    machine.do("dpkg -r forager")
    assert not machine.succeeds("test -e /usr/bin/forager") and machine.property("ActiveState") == "inactive"
    for kept in (ENV, "/etc/forager/keys/honeycomb", "/var/lib/forager"):
        assert machine.succeeds(f"test -e {kept}"), kept
    machine.installed()
    assert machine.do(f"cat {ENV}") == "FORAGER_LOG_LEVEL=debug\n"
    machine.do("dpkg -P forager")
    left = machine.do("find / -xdev -iname '*forager*' -not -path '/proc/*' -not -path '/sys/*' -not -path '/root/*'", check=False).split()
    assert left == [] and "forager" not in machine.do("systemctl list-unit-files; getent passwd; getent group")
