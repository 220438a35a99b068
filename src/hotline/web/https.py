"""What a client that comes by https is told and given: cookies of this host alone, Strict-Transport-Security, and the
https address of a page that was asked for by http."""

from hotline.refusals import Code, Refusal
from hotline.web.guard import App, Message, Receive, Scope, Send
from hotline.web.problems import problem_response

FORWARDED_SCHEME = "hotline.forwarded_scheme"  # in a scope: what a named proxy says the client came by
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_OWN_COOKIE = b"hotline_"
_HOST = b"__Host-"
_PAGES = ("/console", "/docs", "/embed", "/status")
BY_HTTP = Refusal(Code.NOT_YOUR_ROLE, "this service is served by https alone; replace a key that was sent by http")


class HttpsOutside:
    """Plain ASGI, wrapped around everything that sets or reads a cookie. `public_url`: our address as clients know it;
    where it begins with https, every answer is one of a site that is served by https alone, whatever a proxy in between
    leaves out.

    Within, our cookies have plain names. Outside they are called `__Host-…` over https (RFC 6265bis, 4.1.3.2): no other
    host of the domain, and nobody on a connection by http, can set them."""

    def __init__(self, app: App, public_url: str = "") -> None:
        self.app = app
        self._origin = "/".join(public_url.split("/")[:3]) if public_url.startswith("https://") else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._origin is None and scope["scheme"] != "https"):
            await self.app(scope, receive, send)
            return
        if self._origin is not None and _is_page_by_http(scope):
            await _redirect(self._origin, scope, send)
            return
        scope["headers"] = [
            (name, _own_names(value) if name == b"cookie" else value) for name, value in scope["headers"]
        ]

        async def send_secure(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (name, _secure_cookie(value) if name.lower() == b"set-cookie" else value)
                    for name, value in message["headers"]
                ]
                message["headers"] = [*headers, _HSTS]
            await send(message)

        await self.app(scope, receive, send_secure)


class HttpsRedirect:
    """Plain ASGI: what answers beside a server that ends TLS, to whoever comes by http. Pages are sent to https;
    anything else is refused, because a program that is sent on would send its key in the open each time. Nothing of the
    application is behind it."""

    def __init__(self, public_url: str) -> None:
        self._origin = "/".join(public_url.split("/")[:3])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if _is_page(scope):
            await _redirect(self._origin, scope, send)
        else:
            await problem_response(BY_HTTP)(scope, receive, send)


def _is_page_by_http(scope: Scope) -> bool:
    """Only where a named proxy says so: behind one that ends TLS and says nothing, a client would be sent in a
    circle."""
    return scope.get(FORWARDED_SCHEME) == "http" and _is_page(scope)


def _is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (
        path == "/" or any(path == page or path.startswith(f"{page}/") for page in _PAGES)
    )


async def _redirect(origin: str, scope: Scope, send: Send) -> None:
    query: bytes = scope["query_string"]
    raw: bytes = scope.get("raw_path") or b"/"
    place = origin.encode() + raw.partition(b"?")[0] + (b"?" + query if query else b"")
    headers = [(b"location", place), (b"content-length", b"0"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _own_names(cookies: bytes) -> bytes:
    """The cookies as the application reads them. One of ours without the prefix is left out: anybody on a connection by
    http could have set it."""
    kept = []
    for pair in cookies.split(b";"):
        pair = pair.strip()
        if pair.startswith(_HOST + _OWN_COOKIE):
            kept.append(pair.removeprefix(_HOST))
        elif not pair.startswith(_OWN_COOKIE) or pair.startswith(b"hotline_language="):
            kept.append(pair)
    return b"; ".join(kept)


def _secure_cookie(cookie: bytes) -> bytes:
    """The cookie for https alone; one of ours that holds for the whole host under its prefixed name."""
    attributes = {part.strip().lower() for part in cookie.split(b";")[1:]}
    if b"secure" not in attributes:
        cookie += b"; Secure"
    holds_for_host = b"path=/" in attributes and not any(part.startswith(b"domain=") for part in attributes)
    return _HOST + cookie if holds_for_host and cookie.startswith(_OWN_COOKIE) else cookie
