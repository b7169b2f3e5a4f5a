"""What every problem document must be."""

import json

from .raw import Head

STATUS = {
    "bad-message": 400, "bad-parameter": 400, "unauthorized": 401, "forbidden": 403, "no-endpoint": 404,
    "no-connection": 404, "method-not-allowed": 405, "not-acceptable": 406, "unsupported-media-type": 415,
    "wrong-kind": 409, "too-large": 413, "too-slow": 408, "head-too-large": 431, "too-many-calls": 429,
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
