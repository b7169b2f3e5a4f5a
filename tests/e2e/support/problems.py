"""What every problem document must be."""

import json

from .raw import Head

STATUS = {
    "bad-message": 400, "bad-parameter": 400, "bad-request": 400, "unauthorized": 401, "forbidden": 403,
    "no-endpoint": 404, "no-connection": 404, "not-found": 404, "method-not-allowed": 405, "not-acceptable": 406,
    "too-slow": 408, "wrong-kind": 409, "too-large": 413, "uri-too-long": 414, "unsupported-media-type": 415,
    "expectation-failed": 417, "upgrade-required": 426, "too-many-calls": 429, "too-many-connections": 429, "head-too-large": 431,
    "service-closed": 502, "bad-answer": 502, "service-error": 502, "slow-caller": 502, "no-service": 503,
    "service-busy": 503, "overloaded": 503, "draining": 503, "disabled": 503, "timed-out": 504,
}
WITH_RETRY_AFTER = {429, 503}


def check_problem(response, name, delivery=None, endpoint=None):
    """Holds `response` (of requests, or a raw (Head, body)) against the problem `name`; gives the document.
    `delivery` is one value or a set of those allowed."""
    if isinstance(response, tuple):
        head, body = response
        assert isinstance(head, Head)
        status, content_type, retry_after = head.status, head.get("content-type"), head.get("retry-after")
    else:
        status, body = response.status_code, response.content
        content_type, retry_after = response.headers.get("Content-Type"), response.headers.get("Retry-After")
    document = json.loads(body)
    assert (status, document.get("type")) == (STATUS[name], f"/problems/{name}"), document
    assert content_type.split(";")[0] == "application/problem+json"
    assert document["status"] == status
    assert isinstance(document["title"], str) and document["title"]
    assert isinstance(document["detail"], str) and document["detail"]
    if status in WITH_RETRY_AFTER:
        assert int(retry_after) >= 0
    if delivery is not None:
        allowed = {delivery} if isinstance(delivery, str) else delivery
        assert document.get("delivery") in allowed, document
    if endpoint is not None:
        assert document.get("endpoint") == endpoint, document
    return document


def check_refused(caller, name, delivery="not-sent"):
    """The problem `name` is the next thing that a raw caller reads, and the last: then its connection ends."""
    head, body = caller.read_response()
    document = check_problem((head, body), name, delivery)
    assert head.get("connection") == "close"
    assert caller.read_to_end() == b""
    return document
