"""`forager doctor` on this machine and on the way to a destination: the first thing that is broken is named, with who and how to mend it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess

import pytest
from forager import EXIT_FAILURE, EXIT_OK, binary, clean_environment, run
from judge import Judge
from judge.server import OUR_KEY
from proxy import ConnectProxy

NETWORK, MACHINE = 68, 71
LISTENERS = ("OTLP_HTTP", "OTLP_GRPC", "ADMIN")


@pytest.fixture
def quiet(tmp_path):
    """Nothing wrong anywhere: ports of the system's choice, a directory of its own, no destination but the hive."""
    tmp_path.chmod(0o700)
    listen = {f"FORAGER_{name}_LISTEN": "127.0.0.1:0" for name in LISTENERS}
    return listen | {"FORAGER_DATA_DIR": str(tmp_path), "FORAGER_CONNECTIONS": "100", "FORAGER_JOURNAL_BYTES": "32MiB"}


def doctor(**settings: str) -> tuple[int, list[dict[str, str]]]:
    result = run("doctor", "--json", timeout=60, **settings)
    assert result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)["findings"]


def lines(findings: list[dict[str, str]], of: str, level: str = "") -> list[str]:
    return [
        each["what"] + " | " + each.get("fix", "") for each in findings if each["of"] == of and level in ("", each["level"])
    ]


def starting(findings: list[dict[str, str]], of: str, word: str) -> dict[str, str]:
    return next((each for each in findings if each["of"] == of and each["what"].startswith(word)), {})


def test_a_machine_that_is_fit(quiet, tmp_path):
    """Guarantees: exit 0, a line about each part, and nothing left in the data directory."""
    code, findings = doctor(**quiet)
    assert code == EXIT_OK, findings
    assert {"memory", "files", "stop", "journal"} <= {each["of"] for each in findings}
    assert {each["area"] for each in findings if each["of"] in ("memory", "files", "stop", "journal")} == {"machine"}
    assert any("must wait 10 s" in each for each in lines(findings, "stop", "ok")), findings
    assert any(re.search(r"a sync takes .* of [1-8]\)", each) for each in lines(findings, "journal")), findings
    assert list(tmp_path.iterdir()) == []


def test_people_read_the_fix_below_the_line(quiet):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("doctor", timeout=60, **quiet | {"FORAGER_ADMIN_LISTEN": f"127.0.0.1:{port}"})
    said = result.stdout.splitlines()
    at = next(number for number, line in enumerate(said) if line.startswith(f"failure  ports       127.0.0.1:{port} is held"))
    assert said[at + 1].strip().startswith("fix: end it, or choose another address with FORAGER_ADMIN_LISTEN"), said


def test_a_port_that_another_process_has_names_it(quiet):
    """Scenario: this process listens where Forager should. Guarantees: its pid and name, the setting, and the machine's exit code."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, findings = doctor(**quiet | {"FORAGER_OTLP_HTTP_LISTEN": f"127.0.0.1:{port}"})
    assert code == MACHINE, findings
    (line,) = lines(findings, "ports", "failure")
    with open("/proc/self/comm") as file:
        name = file.read().strip()
    assert f"127.0.0.1:{port} is held by process {os.getpid()} ({name})" in line
    assert "FORAGER_OTLP_HTTP_LISTEN" in line
    code, findings = doctor(**quiet | {"FORAGER_OTLP_HTTP_LISTEN": f"127.0.0.1:{port}"})
    assert code == EXIT_OK and lines(findings, "ports", "ok") == [f"127.0.0.1:{port} is free | "]


def both_kinds() -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on one port."""
    for _ in range(20):
        listener, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(type=socket.SOCK_DGRAM)
        try:
            udp.bind(listener.getsockname())
        except OSError:
            listener.close()
            udp.close()
        else:
            return listener, udp
    raise AssertionError("no port is free for both")


def test_a_listener_on_all_addresses_and_a_udp_socket_are_found(quiet):
    listener, udp = both_kinds()
    with listener, udp, socket.create_server(("0.0.0.0", 0)) as everywhere:
        code, findings = doctor(
            **quiet
            | {
                "FORAGER_OTLP_GRPC_LISTEN": f"127.0.0.1:{everywhere.getsockname()[1]}",
                "FORAGER_XRAY_DAEMON_LISTEN": f"127.0.0.1:{udp.getsockname()[1]}",
            }
        )
    assert code == MACHINE
    failures = lines(findings, "ports", "failure")
    assert len(failures) == 3 and all(f"process {os.getpid()}" in each for each in failures), findings
    assert [each.startswith("UDP ") for each in failures] == [False, True, False]
    assert all("FORAGER_XRAY_DAEMON_LISTEN" in each for each in failures[1:])


def test_a_connection_that_has_the_port_is_named_too(quiet):
    """Scenario: the port is one of the system's own choice, and a connection goes out from it."""
    with socket.create_server(("127.0.0.1", 0)) as far, socket.create_connection(far.getsockname()) as near:
        code, findings = doctor(**quiet | {"FORAGER_ADMIN_LISTEN": f"127.0.0.1:{near.getsockname()[1]}"})
    assert code == MACHINE
    assert any(f"process {os.getpid()}" in each for each in lines(findings, "ports", "failure")), findings


def test_a_unix_socket_that_another_process_has_names_it(quiet, tmp_path):
    path = tmp_path / "f.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        code, findings = doctor(**quiet | {"FORAGER_ADMIN_LISTEN": f"unix:{path}"})
    assert code == MACHINE
    assert any(f"process {os.getpid()}" in each for each in lines(findings, "ports", "failure")), findings


def test_beside_a_forager_that_runs_all_is_well(world, quiet):
    """Scenario: doctor is asked where a Forager runs with the same settings. Guarantees: its ports and its journal are its own, by its
    pid, and that is no failure; the Forager is not disturbed."""
    forager = world.start(FORAGER_DATA_DIR=quiet["FORAGER_DATA_DIR"])
    pid = forager.process.pid
    settings = world.settings() | quiet | {
        "FORAGER_OTLP_HTTP_LISTEN": f"127.0.0.1:{forager.http_port}",
        "FORAGER_OTLP_GRPC_LISTEN": f"127.0.0.1:{forager.grpc_port}",
        "FORAGER_ADMIN_LISTEN": f"127.0.0.1:{forager.admin_port}",
    }
    code, findings = doctor(**settings)
    assert code == EXIT_OK, findings
    assert len(lines(findings, "ports", "ok")) == 3
    assert all(f"a Forager that runs, process {pid}" in each for each in lines(findings, "ports", "ok")), findings
    assert any(f"is kept by process {pid}" in each for each in lines(findings, "journal", "ok")), findings
    assert forager.get("/readyz")[0] == 200


def test_a_directory_that_cannot_be_written(quiet, tmp_path):
    """Scenario: a file is where the data directory should be. Guarantees: a failure with the system's words where the disk was asked
    for; a warning of what would be lost where it wasn't."""
    (tmp_path / "file").touch()
    wrong = quiet | {"FORAGER_DATA_DIR": str(tmp_path / "file/below")}
    code, findings = doctor(**wrong, FORAGER_JOURNAL="disk")
    assert code == MACHINE
    (line,) = lines(findings, "journal")
    assert "Not a directory" in line and "would not start" in line and "FORAGER_DATA_DIR" in line
    code, findings = doctor(**wrong)
    assert code == EXIT_OK and "lost at a restart" in lines(findings, "journal", "warning")[0], findings


def test_a_directory_of_another_user_says_whose_it_should_be(quiet, tmp_path):
    """Scenario: a volume that belongs to root, Forager runs as another user. Guarantees: the chown that mends it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv to become another user")
    words = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    may_run = subprocess.run([*words, str(binary()), "version"], env=clean_environment(), capture_output=True, check=False)
    if may_run.returncode != 0:
        pytest.skip("another user can't run the binary where it is")
    directory = tmp_path / "theirs"
    directory.mkdir(mode=0o700)
    done = subprocess.run(
        [*words, str(binary()), "doctor", "--json"],
        env=clean_environment(**quiet | {"FORAGER_DATA_DIR": str(directory), "FORAGER_JOURNAL": "disk"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == MACHINE, done
    (line,) = lines(json.loads(done.stdout)["findings"], "journal")
    assert "Permission denied" in line and f"chown 65534 {directory}" in line


def test_too_few_files(quiet):
    """Scenario: `ulimit -n 256` and 1024 connections. Guarantees: a warning with the number, and exit 0: it would run."""
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 256; exec "$0" doctor --json', str(binary())],
        env=clean_environment(**quiet | {"FORAGER_CONNECTIONS": "1024"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == EXIT_OK, done
    (line,) = lines(json.loads(done.stdout)["findings"], "files", "warning")
    assert "may open 256 files" in line and "FORAGER_CONNECTIONS" in line


# The way to a destination


def test_each_step_to_a_destination_is_a_line(world, quiet):
    code, findings = doctor(**world.settings() | quiet)
    assert code == EXIT_OK, findings
    assert "127.0.0.1" in starting(findings, "honeycomb", "DNS: localhost is ")["what"], findings
    assert "answers at" in starting(findings, "honeycomb", "TCP: localhost:")["what"]
    tls = starting(findings, "honeycomb", "TLS: TLSv1.")
    assert "signed by Forager test authority" in tls["what"] and "good until" in tls["what"], tls
    assert "private authority" in tls["what"], tls


def test_an_unknown_authority_is_named_with_the_setting_for_its_ca(quiet):
    """Scenario: Honeycomb's certificate is signed by somebody this machine doesn't know. Guarantees: TLS is the broken step, the
    issuer's name, SSL_CERT_FILE, the network's exit code, and the key is not sent."""
    with Judge() as honeycomb:
        code, findings = doctor(**quiet, HONEYCOMB_API_KEY=OUR_KEY, HONEYCOMB_API_ENDPOINT=honeycomb.url)
        assert sum(honeycomb.counts.values()) == 0
    assert code == NETWORK, findings
    assert starting(findings, "honeycomb", "TCP:")["level"] == "ok"
    (line,) = lines(findings, "honeycomb", "failure")
    assert line.startswith("TLS:") and "Forager test authority" in line and "in SSL_CERT_FILE" in line, line


def test_another_backend_has_a_setting_of_its_own_for_the_ca(quiet):
    with Judge() as backend:
        code, findings = doctor(**quiet, FORAGER_OTLP_ENDPOINT=backend.url, FORAGER_DESTINATIONS="otlp")
    assert code == NETWORK, findings
    (line,) = lines(findings, "otlp", "failure")
    assert "in FORAGER_OTLP_CERTIFICATE" in line and "SSL_CERT_FILE" not in line, line


def test_a_name_that_nobody_knows(quiet):
    """`.invalid` never exists (RFC 2606). Guarantees: DNS is the broken step, and the setting that has the name."""
    code, findings = doctor(**quiet, HONEYCOMB_API_KEY=OUR_KEY, HONEYCOMB_API_ENDPOINT="https://api.honeycomb.invalid")
    assert code == NETWORK, findings
    (line,) = lines(findings, "honeycomb")
    assert line.startswith("DNS: ") and "api.honeycomb.invalid" in line and OUR_KEY not in line
    assert "HONEYCOMB_API_ENDPOINT" in line or "name server" in line


def test_nobody_listens_there(quiet):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        code, findings = doctor(**quiet, HONEYCOMB_API_KEY=OUR_KEY, HONEYCOMB_API_ENDPOINT=f"https://127.0.0.1:{port}")
    assert code == NETWORK
    (line,) = lines(findings, "honeycomb")
    assert line.startswith(f"TCP: 127.0.0.1:{port} does not answer") and "refused" in line


def test_the_proxy_is_a_step_of_its_own(world, quiet):
    """Guarantees: what is resolved and connected is the proxy; that it opened the way is a line, that it refused is the broken step;
    its password is nowhere."""
    settings = world.settings() | quiet | {"HONEYCOMB_API_ENDPOINT": f"https://honeycomb.test:{world.judge.port}"}
    with ConnectProxy(user_info="app:pa55word") as proxy:
        through = settings | {"HTTPS_PROXY": f"http://app:pa55word@{proxy.address}"}
        code, findings = doctor(**through)
        assert code == EXIT_OK and "opened a way to honeycomb.test" in starting(findings, "honeycomb", "proxy:")["what"], findings
        assert proxy.address in starting(findings, "honeycomb", "TCP: the proxy")["what"], findings
        wrong, refused = doctor(**settings | {"HTTPS_PROXY": f"http://app:not-it@{proxy.address}"})
    assert wrong == NETWORK
    (line,) = lines(refused, "honeycomb", "failure")
    assert line.startswith("proxy: ") and "407" in line
    assert "pa55word" not in json.dumps(findings) and "not-it" not in json.dumps(refused)


def test_several_areas_at_once_are_the_common_code(quiet):
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, findings = doctor(
            **quiet | {"FORAGER_ADMIN_LISTEN": f"127.0.0.1:{other.getsockname()[1]}"},
            HONEYCOMB_API_KEY=OUR_KEY,
            HONEYCOMB_API_ENDPOINT="https://api.honeycomb.invalid",
        )
    assert code == EXIT_FAILURE
    assert {each["area"] for each in findings if each["level"] == "failure"} == {"machine", "network"}
