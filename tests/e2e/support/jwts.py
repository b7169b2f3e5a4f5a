"""Issuers of JSON Web Tokens, by PyJWT."""

import base64
import json
import secrets
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base64url_number(number, size):
    return base64url(number.to_bytes(size, "big"))


class Issuer:
    """Has one key, and signs what it is told to."""

    def __init__(self, algorithm="HS256", key_id=None):
        self.algorithm, self.key_id = algorithm, key_id
        make = {
            "HS256": lambda: secrets.token_bytes(32),
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        }
        self.key = make[algorithm]()

    def jwk(self):
        """What the gateway has to know of the key."""
        named = {"kid": self.key_id} if self.key_id else {}
        if self.algorithm == "HS256":
            return {"kty": "oct", "k": base64url(self.key), **named}
        numbers = self.key.public_key().public_numbers()
        if self.algorithm == "RS256":
            return {"kty": "RSA", "n": base64url_number(numbers.n, 256), "e": "AQAB", **named}
        return {"kty": "EC", "crv": "P-256", "x": base64url_number(numbers.x, 32),
                "y": base64url_number(numbers.y, 32), **named}

    def token(self, scope="*", lasts=600, name="ann", headers=None, **claims):
        """Good for `lasts` seconds."""
        every_claim = {"sub": name, "scope": scope, "exp": time.time() + lasts, **claims}
        headers = {**({"kid": self.key_id} if self.key_id else {}), **(headers or {})}
        return jwt.encode({key: value for key, value in every_claim.items() if value is not None}, self.key,
                          self.algorithm, headers=headers)


def write_keys(path, *issuers):
    """Replaces the file of keys as a careful operator does: nobody meets half of it."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(json.dumps({"keys": [issuer.jwk() for issuer in issuers]}))
    fresh.replace(path)
