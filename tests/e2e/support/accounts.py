"""Users with their passwords, tokens with their scopes, and the log-in as a browser does it."""

import hashlib
import json
import os
import warnings

import requests

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt


def bcrypt_hash(password, cost=4):
    """As the original's library makes it; 4 is the least cost there is."""
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=2**cost))


class PasswordFile:
    """A password file, replaced as a whole whenever a user changes."""

    def __init__(self, path, **passwords):
        self.path = path
        self._hashes = {}
        self.set(**passwords)

    def __str__(self):
        return str(self.path)

    def set(self, cost=4, **passwords):
        for user, password in passwords.items():
            self._hashes[user] = bcrypt_hash(password, cost)
        self._write()

    def remove(self, user):
        del self._hashes[user]
        self._write()

    def write(self, text):
        new = self.path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.path)

    def _write(self):
        self.write("".join(f"{user},{hash}\n" for user, hash in self._hashes.items()))


def token_table(name, token, scopes):
    """The lines of the configuration file that let a token in."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    return f"[[token]]\nname = {json.dumps(name)}\nsha256 = {json.dumps(digest)}\nscopes = {json.dumps(scopes)}\n"


class Browser:
    """Logs in as a browser does, and keeps its cookies."""

    def __init__(self, gateway, **headers):
        self.gateway = gateway
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def get(self, path):
        return self.session.get(self.gateway.url + path, allow_redirects=False, timeout=30)

    def log_in(self, name, password, query=""):
        """What the log-in page answers to this."""
        page = self.get("/login")
        assert page.status_code == 200
        form = {"name": name, "password": password, "_xsrf": self.session.cookies["_xsrf"]}
        return self.session.post(self.gateway.url + "/login" + query, form, allow_redirects=False, timeout=120)


def log_in_once(gateway, name, password, **headers):
    """What the log-in page answers to a browser that has never been there."""
    with Browser(gateway, **headers) as browser:
        return browser.log_in(name, password)


def cookie_of(answer):
    """The cookie `login` of a log-in that must have been right, as a header."""
    assert answer.status_code == 302, answer.text
    return {"Cookie": "login=" + answer.cookies["login"]}
