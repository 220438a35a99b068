"""An identity provider in memory: answers as one does, and lets a story break any of its answers."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from tests.conftest import Clock

CLIENT, SECRET = "hotline", "a secret: of ours/+"


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"}, private=True)


@dataclass
class Issuer:
    """`broken`: changes the claims of an ID token before it is signed. `sign`: signs otherwise than it should."""

    clock: Clock
    url: str = "https://id.example"
    keys: list[ECKey] = field(default_factory=lambda: [new_key("first")])
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: Callable[[dict[str, Any]], object] | None = None
    sign: Callable[[dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo_sub: str | None = None
    down: bool = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def log_in(self, address: str, subject: str) -> dict[str, str]:
        """Somebody logs in there: the query of the address that the browser is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = {**query, "sub": subject}
        return {"code": code, "state": query["state"], "iss": self.url}

    def signed(self, claims: dict[str, Any]) -> str:
        key = self.keys[-1]
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)

    def claims(self, code: dict[str, Any]) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        return {
            "iss": self.url, "sub": code["sub"], "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": code["nonce"],
            "sid": f"sid-{code['sub']}",
        }  # fmt: skip

    def logout_token(self, **claims: Any) -> str:
        now = int(self.clock().timestamp())
        whole = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **claims,
        }  # fmt: skip
        return self.signed(whole)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if self.down:
            raise httpx.ConnectError("down")
        if path == "/.well-known/openid-configuration":
            found = {
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo", "end_session_endpoint": f"{self.url}/end?x=1",
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }  # fmt: skip
            return httpx.Response(200, json={**found, **self.metadata})
        if path == "/keys":
            return httpx.Response(200, json=KeySet(list(self.keys)).as_dict(private=False))
        if path == "/token":
            return self._token(request)
        if path == "/userinfo":
            subject = self.tokens[request.headers["authorization"].removeprefix("Bearer ")]
            return httpx.Response(200, json={"sub": self.userinfo_sub or subject, **self.people[subject]})
        return httpx.Response(404)

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        code = self.codes.pop(form["code"], None)  # once
        whole = base64.b64encode(b"hotline:a%20secret%3A%20of%20ours%2F%2B").decode()
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if code is None or request.headers.get("authorization") != f"Basic {whole}" or proof != code["code_challenge"]:
            return httpx.Response(400, json={"error": "invalid_grant"})
        assert form["redirect_uri"] == code["redirect_uri"] and form["grant_type"] == "authorization_code"
        claims = self.claims(code)
        if self.broken is not None:
            self.broken(claims)
        access = secrets.token_urlsafe(16)
        self.tokens[access] = code["sub"]
        token = self.sign(claims) if self.sign is not None else self.signed(claims)
        return httpx.Response(200, json={"id_token": token, "access_token": access, "token_type": "Bearer"})


def unsigned(claims: dict[str, Any]) -> str:
    """With the algorithm `none`."""
    import json

    parts = ({"alg": "none", "kid": "first"}, claims)
    written = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*written, ""])


def signed_with_our_secret(claims: dict[str, Any]) -> str:
    """By HMAC, as if the key were shared."""
    return jwt.encode({"alg": "HS256", "kid": "first"}, claims, OctKey.import_key(SECRET * 3))


def signed_by_another(claims: dict[str, Any]) -> str:
    """By a key that the provider does not have, under the name of one that it has."""
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, new_key("first"))
