"""Settings by flag, environment and file; what is wrong with them; what `--check-config` and `--print-config` say."""

import os
import subprocess

import pytest

from support.accounts import cookie_of, log_in_once
from support.gateway import BINARY, run_to_the_end
from support.waiting import DEADLINE

HASH_OF_TEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
KEY = "k" * 32

FILE = f"""
host = "127.0.0.1"
allow_origin = ["https://lab.example"]

[[endpoint]]
name = "wsLab"
kind = "service"

[[endpoint]]
name = "wsOld"
kind = "reject"
reason = "moved, to wsLab"

[[token]]
name = "lab"
sha256 = "{HASH_OF_TEST}"
scopes = ["watch:*", "call:wsLab"]
"""


@pytest.fixture
def config_file(tmp_path):
    def write(text):
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def environment(monkeypatch):
    """Sets variables for the programs that the test starts; no other setting is in their environment."""
    for name in [name for name in os.environ if name.startswith("REACHBACK_")]:
        monkeypatch.delenv(name)
    return lambda **variables: [monkeypatch.setenv("REACHBACK_" + name, value) for name, value in variables.items()]


def serve(*flags):
    return run_to_the_end("serve", *flags)


def complaint(*flags):
    """The one line with which the gateway does not start."""
    result = serve(*flags)
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def endpoints(gateway):
    return {endpoint["name"]: endpoint["kind"] for endpoint in gateway.get("/v1/endpoints").json()["endpoints"]}


def test_a_gateway_is_what_its_file_says(start_gateway, config_file, environment):
    environment()
    gateway = start_gateway("--config", config_file(FILE), test_mode=False)
    assert endpoints(gateway) == {"wsLab": "service", "wsOld": "reject"}
    assert gateway.call({"cmd": "rpc"}, endpoint="wsLab").status_code == 503
    assert gateway.http("DELETE", "/v1/connections").status_code == 403


def test_the_environment_counts_before_the_file_and_a_flag_before_both(start_gateway, config_file, environment):
    environment(CONFIG=config_file(FILE), ENDPOINT="wsA=service,wsB=broadcast", TOKEN="one two")
    gateway = start_gateway(test_mode=False, token="two")
    assert endpoints(gateway) == {"wsA": "service", "wsB": "broadcast"}
    by_flag = start_gateway("--endpoint", "wsFlag=service", test_mode=False, token="one")
    assert endpoints(by_flag) == {"wsFlag": "service"}
    of_flag = start_gateway("--token", "three", test_mode=False, token="three")
    assert of_flag.get("/v1/endpoints").status_code == 200
    assert of_flag.get("/v1/endpoints", headers={"Authorization": "Bearer two"}).status_code == 401


def test_a_time_out_of_the_environment_ends_calls(start_gateway, dial, environment):
    environment(CALL_TIMEOUT="100 ms")
    gateway = start_gateway()
    dial(gateway)
    assert gateway.call({"cmd": "rpc"}).status_code == 504


def test_tokens_come_from_a_mounted_file(start_gateway, environment, tmp_path):
    (tmp_path / "tokens").write_text("first\nsecond\n")
    environment(TOKEN_FILE=str(tmp_path / "tokens"))
    gateway = start_gateway(test_mode=False, token="second")
    assert gateway.get("/v1/endpoints").status_code == 200


def test_a_nonsense_value_is_named_by_where_it_was_said(config_file, environment):
    environment()
    path = config_file("# a comment\nport = 'eighty'\n")
    assert complaint("--port", "eighty").startswith("reachback: --port is 'eighty'")
    assert complaint("--config", path).startswith(f"reachback: {path}:2: port is 'eighty'")
    environment(PORT="eighty")
    assert complaint("--config", path).startswith("reachback: REACHBACK_PORT is 'eighty'")


def test_an_unknown_key_is_named_with_file_line_and_what_was_meant(config_file, environment):
    environment()
    path = config_file("port = 0\n\ncall_timeot = 5\n")
    assert complaint("--config", path) == f"reachback: {path}:3: call_timeot is no setting; is it call_timeout?"


def test_a_file_that_is_no_toml_or_not_there_is_named(config_file, environment):
    environment()
    path = config_file("port = \n")
    assert complaint("--config", path).startswith(f"reachback: {path}:1: ")
    assert complaint("--config", path + ".old").startswith(f"reachback: {path}.old cannot be read: No such file")


def test_an_unknown_variable_is_a_warning(start_gateway, environment):
    environment(CAL_TIMEOUT="5")
    gateway = start_gateway()
    assert "REACHBACK_CAL_TIMEOUT is no setting; is it REACHBACK_CALL_TIMEOUT?" in gateway.stderr()


def test_an_empty_variable_counts_as_none(start_gateway, environment):
    environment(PORT="", ENDPOINT="", TOKEN_FILE="", CAL_TIMEOUT="")
    gateway = start_gateway()
    assert len(endpoints(gateway)) == 3
    assert "CAL_TIMEOUT" not in gateway.stderr()


def test_check_config_says_good_and_does_not_listen(config_file, environment, tmp_path):
    environment()
    result = serve("--config", config_file(FILE), "--cookie-key-file", str(tmp_path / "key"), "--check-config")
    assert (result.returncode, result.stdout, result.stderr) == (0, "reachback: the configuration is good\n", "")
    assert not (tmp_path / "key").exists()


def test_check_config_looks_into_the_files_that_settings_name(environment, tmp_path):
    environment()
    for flag in "--password-file", "--token-file", "--cookie-key-file":
        (tmp_path / "bad").write_text("hush hush\n")
        line = complaint(flag, str(tmp_path / "bad"), "--check-config")
        assert str(tmp_path / "bad") in line
        assert "hush" not in line


def test_check_config_finds_what_start_would_find(config_file, environment):
    environment()
    bad = config_file("[[token]]\nname = 'lab'\nsha256 = 'abc'\nscopes = ['serve:wsData']\n")
    assert complaint("--config", bad, "--check-config") == complaint("--config", bad)


def test_print_config_reads_back_and_masks_secrets(config_file, environment, tmp_path):
    environment(TOKEN="hush1", COOKIE_KEY="hush2" + KEY)
    printed = serve("--config", config_file(FILE), "--port", "0", "--print-config")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "hush" not in printed.stdout
    assert 'token = ["***"]  # REACHBACK_TOKEN' in printed.stdout
    assert "\nport = 0  # --port\n" in printed.stdout
    again = tmp_path / "again.toml"
    again.write_text(printed.stdout)
    second = serve("--config", str(again), "--print-config")

    def values(text):
        return [line.split("  # ")[0] for line in text.splitlines() if line and not line.startswith("#")]

    for line in values(printed.stdout):
        assert line in values(second.stdout)


def test_replicas_with_one_key_in_the_environment_take_each_others_cookies(start_gateway, environment):
    environment(COOKIE_KEY=KEY)
    first, second = start_gateway(), start_gateway()
    xsrf = first.get("/login", authorized=False).cookies["_xsrf"]
    form = {"name": "test", "password": "test", "_xsrf": xsrf}
    answer = first.http("POST", "/login", authorized=False, data=form, cookies={"_xsrf": xsrf})
    assert answer.status_code == 302
    login = {"login": answer.cookies["login"]}
    assert second.get("/v1/endpoints", authorized=False, cookies=login).status_code == 200


def test_a_key_file_is_made_for_its_owner_alone(start_gateway, environment, tmp_path):
    environment(COOKIE_KEY_FILE=str(tmp_path / "key"))
    start_gateway()
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line_break", ["", "\n", "\r\n"], ids=repr)
def test_a_password_of_stdin_is_without_its_line_break(start_gateway, environment, tmp_path, line_break):
    environment()
    made = subprocess.run([BINARY, "hash-password", "--user", "dan", "--cost", "4"], input=f"secret{line_break}".encode(),
                          capture_output=True, check=True, timeout=DEADLINE)
    (tmp_path / "passwd").write_bytes(made.stdout)
    gateway = start_gateway("--password-file", str(tmp_path / "passwd"), test_mode=False)
    cookie_of(log_in_once(gateway, "dan", "secret"))
