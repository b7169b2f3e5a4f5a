"""Users of the password file, their cookies, and what a log-in costs whom (README, "Accounts and tokens")."""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import termios

import pytest

from support.accounts import Browser, PasswordFile, bcrypt_hash, cookie_of, log_in_once
from support.gateway import BINARY, run_to_the_end
from support.problems import check_problem
from support.service import log_in, rpc
from support.waiting import DEADLINE, Stopwatch, wait_until

TOKEN = "operator"
ENDLESS = "$2b$31$" + "." * 53  # to check against this takes a day
PAUSE = 600  # longer than any test
PROXIED = ("--trusted-proxy", "127.0.0.1")


@pytest.fixture
def users(tmp_path):
    return PasswordFile(tmp_path / "passwd", ann="secret", bob="other", test="test")


@pytest.fixture
def start(start_gateway, users):
    """Starts gateways outside of test mode that have the users."""

    def start_with(*flags, pause=PAUSE, **options):
        flags = ("--token", TOKEN, "--password-file", users, "--drain-wait", "0", "--login-pause", pause, *flags)
        return start_gateway(*flags, test_mode=False, token=TOKEN, **options)

    return start_with


def is_good(gateway, cookie):
    """Whether the cookie opens the API."""
    response = gateway.get("/v1/endpoints", headers=cookie)
    if response.status_code != 200:
        check_problem(response, "unauthorized")
    return response.status_code == 200


# ---- the password file ----


def test_users_of_the_password_file_log_in_by_the_originals_steps(start):
    gateway = start()
    for user, password in (("ann", "secret"), ("bob", "other")):
        cookie = {"Cookie": "login=" + log_in(gateway, user, password)}
        assert user in gateway.get("/", headers=cookie).text
        assert is_good(gateway, cookie)


def test_an_unmodified_service_logs_in_as_a_user_and_answers(start, serve):
    gateway = start()
    serve(gateway, {"echo": lambda text: text})
    assert gateway.call(rpc("echo", "hi")).json()["status"] == 200
    assert [connection["user"] for connection in gateway.endpoint("wsData")["connections"]] == ["test"]


def test_a_wrong_password_and_an_unknown_user_get_the_same_page_and_no_cookie(start):
    gateway = start(pause=0)
    pages = set()
    for name, password in (("ann", "other"), ("nobody", "secret"), ("", ""), ("ann", "")):
        answer = log_in_once(gateway, name, password)
        assert (answer.status_code, "login" in answer.cookies) == (200, False)
        pages.add(re.sub(r'value="[0-9a-f]{32}"', "", answer.text))
    assert len(pages) == 1
    assert 'role="alert"' in pages.pop()


def test_the_test_account_exists_only_where_the_file_has_it(start, users):
    users.remove("test")
    assert log_in(start(), "test", "test") is None


def test_names_and_passwords_may_be_of_any_letters(start, users):
    users.set(**{"Jörg M.": "pässwort ☃", "a+b&c=d": "%41+ &="})
    gateway = start()
    for name, password in (("Jörg M.", "pässwort ☃"), ("a+b&c=d", "%41+ &=")):
        answer = log_in_once(gateway, name, password)
        home = gateway.get("/", headers=cookie_of(answer))
        assert name.replace("&", "&amp;") in home.content.decode()


def test_of_a_password_over_72_bytes_the_beginning_counts_as_in_the_original(start, users):
    users.set(ann="x" * 72)
    gateway = start()
    cookie_of(log_in_once(gateway, "ann", "x" * 72 + "and more"))
    assert log_in_once(gateway, "ann", "x" * 71).status_code == 200


def test_a_change_of_the_file_counts_with_the_next_log_in(start, users):
    gateway = start(pause=0)
    assert log_in(gateway, "cat", "new") is None
    users.set(cat="new", bob="changed")
    users.remove("ann")
    assert log_in(gateway, "cat", "new")
    assert log_in(gateway, "bob", "changed")
    assert log_in(gateway, "bob", "other") is None
    assert log_in(gateway, "ann", "secret") is None


def test_a_file_that_became_malformed_leaves_the_users_as_they_were(start, users):
    gateway = start(pause=0)
    users.write("cat," + bcrypt_hash("new") + "\nann hidden\n")
    assert log_in(gateway, "ann", "secret")
    assert log_in(gateway, "cat", "new") is None
    lines = [line for line in gateway.stderr().splitlines() if "passwd, line 2" in line]
    assert len(lines) == 1 and " error " in lines[0]
    assert "hidden" not in gateway.stderr()
    users.path.unlink()
    assert log_in(gateway, "ann", "secret")
    users.set(cat="new")
    assert log_in(gateway, "cat", "new")


@pytest.mark.parametrize(
    "text, named", [("ann," + bcrypt_hash("x") + "\n\nhidden", "passwd, line 3"), (None, "passwd")],
    ids=["malformed", "not there"],
)
def test_a_gateway_does_not_start_with_a_bad_file(users, text, named):
    users.write(text) if text else users.path.unlink()
    ended = run_to_the_end("serve", "--port", "0", "--password-file", str(users))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("reachback: ") and ended.stderr.count("\n") == 1
    assert named in ended.stderr
    assert "hidden" not in ended.stderr


# ---- after a failure ----


def check_has_to_wait(answer, pause=PAUSE):
    """The page comes again with the seconds to wait, which a header says too."""
    assert answer.status_code == 429, answer.text
    assert 1 <= int(answer.headers["Retry-After"]) <= pause
    assert 'name="password"' in answer.text and 'role="alert"' in answer.text
    assert "login" not in answer.cookies


def test_after_a_failure_that_user_has_to_wait_and_others_have_not(start):
    gateway = start()
    assert log_in_once(gateway, "ann", "wrong").status_code == 200
    check_has_to_wait(log_in_once(gateway, "ann", "secret"))
    cookie_of(log_in_once(gateway, "bob", "other"))


def test_a_stranger_has_to_wait_as_a_user_does(start):
    gateway = start()
    assert log_in_once(gateway, "nobody", "wrong").status_code == 200
    check_has_to_wait(log_in_once(gateway, "nobody", "wrong"))


def test_when_the_pause_is_over_the_user_comes_in(start):
    gateway, watch = start(pause=2), Stopwatch()
    assert log_in_once(gateway, "ann", "wrong").status_code == 200

    def comes_in():
        answer = log_in_once(gateway, "ann", "secret")
        if answer.status_code != 302:
            check_has_to_wait(answer, pause=2)
        return answer.status_code == 302

    wait_until(comes_in, "the pause ends")
    assert watch.seconds >= 2


def test_a_failure_keeps_nobody_out_at_another_address(start):
    gateway = start(*PROXIED)
    here, there = {"X_Forwarded_For": "192.0.2.1"}, {"X_Forwarded_For": "192.0.2.2"}
    assert log_in_once(gateway, "ann", "wrong", **here).status_code == 200
    check_has_to_wait(log_in_once(gateway, "ann", "secret", **here))
    cookie_of(log_in_once(gateway, "ann", "secret", **there))
    cookie_of(log_in_once(gateway, "ann", "secret"))


def test_nobody_escapes_the_pause_by_naming_addresses_itself(start):
    untrusting = start("--trusted-proxy", "192.0.2.0/24")
    assert log_in_once(untrusting, "ann", "wrong", X_Forwarded_For="192.0.2.1").status_code == 200
    check_has_to_wait(log_in_once(untrusting, "ann", "secret", X_Forwarded_For="192.0.2.2"))
    proxied = start(*PROXIED)
    assert log_in_once(proxied, "ann", "wrong", X_Forwarded_For="192.0.2.1, 198.51.100.1").status_code == 200
    check_has_to_wait(log_in_once(proxied, "ann", "secret", X_Forwarded_For="192.0.2.2, 198.51.100.1"))


def test_after_many_failures_in_many_names_everybody_at_that_address_has_to_wait(start):
    gateway = start(*PROXIED)
    here, there = {"X_Forwarded_For": "192.0.2.1"}, {"X_Forwarded_For": "192.0.2.2"}
    for number in range(10):
        assert log_in_once(gateway, f"guess{number}", "wrong", **here).status_code == 200
    check_has_to_wait(log_in_once(gateway, "ann", "secret", **here))
    cookie_of(log_in_once(gateway, "ann", "secret", **there))


def test_of_many_guesses_at_once_one_is_looked_at(start):
    gateway = start()
    tries = [gateway.background(log_in_once, gateway, "ann", f"guess {number}") for number in range(16)]
    statuses = sorted(one.result().status_code for one in tries)
    assert statuses == [200] + [429] * 15


# ---- while a password is checked ----


def log_in_when_there_is_room(gateway, name, password):
    while (answer := log_in_once(gateway, name, password)).status_code == 503:
        pass
    return answer


def test_calls_are_answered_while_a_password_is_checked_and_no_more_log_ins_wait_than_allowed(start, users, serve):
    gateway = start("--login-limit", "1")
    serve(gateway, {"echo": lambda text: text})
    assert log_in_once(gateway, "nobody", "").status_code == 200  # has to wait from now on: no check is spent on it
    users.write(f"ann,{ENDLESS}\n")
    gateway.background(log_in_when_there_is_room, gateway, "ann", "secret")

    def refused():
        """The problem with which the next log-in is refused; none while there is room."""
        answer = log_in_once(gateway, "nobody", "")
        return check_problem(answer, "overloaded") if answer.status_code == 503 else None

    wait_until(refused, "the one place is taken by the check that is under way", deadline=60)
    assert gateway.call(rpc("echo", "hi")).json()["status"] == 200
    assert refused(), "the call was answered while the check was under way"


# ---- the cookie ----


def attributes(answer):
    """The attributes of the one cookie that an answer sets, by lower-case name."""
    _, *rest = answer.headers["Set-Cookie"].split(";")
    pairs = (part.strip().partition("=") for part in rest)
    return {name.lower(): value for name, _, value in pairs}


def test_the_log_in_cookie_is_for_http_of_our_site_only(start):
    answer = log_in_once(start(), "ann", "secret")
    assert attributes(answer) == {"path": "/", "samesite": "Lax", "max-age": "43200", "httponly": ""}


@pytest.mark.parametrize(
    "flags, proto, secure",
    [(PROXIED, "https", True), (PROXIED, "HTTPS", True), (PROXIED, "http", False), (PROXIED, None, False),
     ((), "https", False), (("--trusted-proxy", "192.0.2.1"), "https", False),
     (("--trusted-proxy", "127.0.0.0/8"), "https", True)],
    ids=["https by proxy", "letter case", "http by proxy", "unsaid by proxy", "nobody trusted", "another trusted",
         "network trusted"],
)
def test_cookies_are_secure_when_a_trusted_proxy_says_https(start, flags, proto, secure):
    gateway = start(*flags)
    with Browser(gateway, **({"X_Forwarded_Proto": proto} if proto else {})) as browser:
        page = browser.get("/login")
        assert ("secure" in attributes(page)) == secure, "the cookie _xsrf"
        # A browser sends a secure cookie over https, which only the proxy speaks here.
        form = {"name": "ann", "password": "secret", "_xsrf": page.cookies["_xsrf"]}
        headers = {**browser.session.headers, "Cookie": "_xsrf=" + page.cookies["_xsrf"]}
        answer = gateway.http("POST", "/login", authorized=False, data=form, headers=headers)
        assert ("secure" in attributes(answer)) == secure, "the cookie login"
        assert ("secure" in attributes(browser.get("/logout"))) == secure, "its end"


def test_a_cookie_is_good_at_every_gateway_with_the_same_key_and_at_no_other(start, tmp_path):
    shared, other = tmp_path / "key", tmp_path / "other"
    first = start("--cookie-key-file", shared)
    second = start("--cookie-key-file", shared)
    stranger = start("--cookie-key-file", other)
    keyless = start()
    cookie = cookie_of(log_in_once(first, "ann", "secret"))
    assert [is_good(gateway, cookie) for gateway in (first, second, stranger, keyless)] == [True, True, False, False]


def test_a_cookie_is_good_after_a_restart_when_the_key_is_kept(start, tmp_path):
    key = tmp_path / "key"
    before = start("--cookie-key-file", key)
    cookie = cookie_of(log_in_once(before, "ann", "secret"))
    before.signal(signal.SIGTERM)
    assert before.wait_exit() == 0
    assert is_good(start("--cookie-key-file", key), cookie)


def test_the_key_is_made_for_its_owner_alone_and_a_short_one_is_refused(start, tmp_path):
    key = tmp_path / "key"
    start("--cookie-key-file", key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().strip()) == 64
    key.write_text("tooshort\n")
    ended = run_to_the_end("serve", "--port", "0", "--cookie-key-file", str(key))
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert str(key) in ended.stderr and "tooshort" not in ended.stderr


# ---- addresses of clients ----


@pytest.mark.parametrize(
    "flags, forwarded, shown",
    [(PROXIED, "192.0.2.7", "192.0.2.7"), (PROXIED, "198.51.100.1, 192.0.2.7", "192.0.2.7"),
     (PROXIED, "192.0.2.7, 127.0.0.1", "192.0.2.7"), (PROXIED, "2001:db8::7", "2001:db8::7"),
     (PROXIED, "nonsense", "127.0.0.1"), (PROXIED, None, "127.0.0.1"), ((), "192.0.2.7", "127.0.0.1"),
     (("--trusted-proxy", "192.0.2.0/24"), "192.0.2.7", "127.0.0.1")],
    ids=["named", "last of several", "behind two", "IPv6", "nonsense", "nobody named", "nobody trusted",
         "another trusted"],
)
def test_lists_show_the_client_that_a_trusted_proxy_names(start, raw_websocket, flags, forwarded, shown):
    gateway = start(*flags)
    raw_websocket(gateway, headers={"X-Forwarded-For": forwarded} if forwarded else {})
    (connection,) = gateway.endpoint("wsData")["connections"]
    assert re.sub(r":\d+$", "", connection["remoteAddress"]) == shown or connection["remoteAddress"] == shown


def test_the_log_names_the_client_of_a_failed_log_in_and_never_the_password(start):
    gateway = start(*PROXIED)
    log_in_once(gateway, "ann", "my guess", X_Forwarded_For="192.0.2.7")
    wait_until(lambda: "192.0.2.7" in gateway.stderr(), "the log's line")
    assert "guess" not in gateway.stderr()


# ---- making accounts ----


def hash_password(*flags, given):
    return subprocess.run([BINARY, "hash-password", *flags], input=given, capture_output=True, timeout=DEADLINE)


def test_a_line_made_by_hash_password_lets_its_user_in(start, users):
    made = hash_password("--user", "dan", "--cost", "4", given="my päss\n".encode())
    assert (made.returncode, made.stderr) == (0, b"")
    line = made.stdout.decode()
    assert re.fullmatch(r"dan,\$2b\$04\$[./A-Za-z0-9]{53}\n", line)
    users.write(line)
    cookie_of(log_in_once(start(), "dan", "my päss"))


def test_hash_password_prints_the_hash_alone_at_cost_12_unless_told_otherwise():
    made = hash_password(given=b"secret")
    assert re.fullmatch(rb"\$2b\$12\$[./A-Za-z0-9]{53}\n", made.stdout)


@pytest.mark.parametrize(
    "flags, given",
    [((), b""), ((), b"\n"), ((), b"x" * 73 + b"\n"), ((), b"a\0b\n"), (("--user", "a,b"), b"x\n"),
     (("--user", ""), b"x\n"), (("--user", "#a"), b"x\n"), (("--cost", "3"), b"x\n"), (("--cost", "17"), b"x\n")],
    ids=["nothing", "empty", "too long", "NUL", "comma", "no name", "comment", "cheap", "dear"],
)
def test_hash_password_refuses_what_could_not_log_in(flags, given):
    made = hash_password(*flags, given=given)
    assert (made.returncode, made.stdout) == (2, b"")
    assert made.stderr.startswith(b"reachback: ")
    assert made.stderr.count(b"\n") == 1


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *arguments):
        self.near, far = pty.openpty()
        self.process = subprocess.Popen(
            [BINARY, *arguments], stdin=far, stdout=subprocess.PIPE, stderr=far, start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # makes it the controlling one
        )
        self._far = far
        self.shown = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.near)
        os.close(self._far)

    @property
    def echoes(self):
        return bool(termios.tcgetattr(self._far)[3] & termios.ECHO)

    def type(self, after, keys):
        """Types when the prompt `after` is there and the echo is off."""
        watch = Stopwatch()
        while not self.shown.endswith(after):
            readable, _, _ = select.select([self.near], [], [], max(0, DEADLINE - watch.seconds))
            assert readable, f"not within {DEADLINE} s: {after!r}; what came is {self.shown!r}"
            self.shown += os.read(self.near, 1000)
        wait_until(lambda: not self.echoes, "the terminal shows nothing")
        os.write(self.near, keys)

    def end(self):
        output, _ = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, output


def test_hash_password_asks_twice_at_a_terminal_and_shows_nothing(start, users):
    with Terminal("hash-password", "--user", "dan", "--cost", "4") as terminal:
        terminal.type(b"Password: ", b"hidden\n")
        terminal.type(b"Again: ", b"hidden\n")
        code, line = terminal.end()
        assert code == 0
        assert terminal.echoes
        assert b"hidden" not in terminal.shown
    users.write(line.decode())
    cookie_of(log_in_once(start(), "dan", "hidden"))


def test_hash_password_makes_nothing_of_two_that_differ():
    with Terminal("hash-password") as terminal:
        terminal.type(b"Password: ", b"hidden\n")
        terminal.type(b"Again: ", b"hiden\n")
        assert terminal.end() == (2, b"")


def test_hash_password_leaves_the_terminal_as_it_was_when_it_is_interrupted():
    with Terminal("hash-password") as terminal:
        terminal.type(b"Password: ", b"hid\x03")
        assert terminal.end() == (-signal.SIGINT, b"")
        assert terminal.echoes


def test_a_token_made_by_token_new_is_good_for_its_scopes(start_gateway, tmp_path):
    flags = ("--name", 'the "lab"', "--scope", "call:wsData", "--scope", "watch:*")
    made = run_to_the_end("token", "new", *flags)
    assert made.returncode == 0
    token = re.fullmatch(r"The token, shown this once: (rb_[0-9a-f]{64})\n", made.stderr).group(1)
    assert token not in made.stdout
    config = tmp_path / "gateway.toml"
    config.write_text(made.stdout)
    gateway = start_gateway("--config", config, test_mode=False, token=token)
    check_problem(gateway.call(rpc("echo")), "no-service")
    check_problem(gateway.call(rpc("echo"), endpoint="wsSubject"), "forbidden")
    assert 'the &quot;lab&quot;' in gateway.get("/").text


def test_token_new_refuses_what_is_no_scope():
    made = run_to_the_end("token", "new", "--scope", "cal:wsData")
    assert (made.returncode, made.stdout) == (2, "")
    assert "'cal:wsData'" in made.stderr and made.stderr.count("\n") == 1


def test_help_names_both():
    shown = run_to_the_end("--help").stdout
    assert "hash-password" in shown and "token" in shown
