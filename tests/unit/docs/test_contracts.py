"""The formal contracts agree with themselves, with the list of problems, and with the running gateway."""

import http.client
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
REACHBACK = os.environ.get("REACHBACK", str(ROOT / "build/release/service/reachback"))
OPENAPI = yaml.safe_load((ROOT / "proto/openapi.yaml").read_text())
ASYNCAPI = yaml.safe_load((ROOT / "proto/asyncapi.yaml").read_text())
METHODS = ("get", "post", "delete")
OPERATIONS = [(method, path) for path, item in OPENAPI["paths"].items() for method in METHODS if method in item]
# Those of the conversation itself: the description names them, and any path may answer with them.
EVERYWHERE = {"400", "408", "413", "414", "417", "429", "431", "500", "503"}


def resolve(document, reference):
    node = document
    for key in reference.removeprefix("#/").split("/"):
        node = node[key]
    return node


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def problems_of_the_code():
    """Name to status, from the table that the gateway is built with."""
    source = (ROOT / "proto/src/problem.cpp").read_text()
    return {name: int(status) for status, name in re.findall(r'Problem::\w+,\s*(\d{3}),\s*"([a-z-]+)"', source)}


def documented_statuses(method, path):
    return set(OPENAPI["paths"][path][method]["responses"])


@pytest.mark.parametrize("document", [OPENAPI, ASYNCAPI], ids=["openapi", "asyncapi"])
def test_every_reference_leads_somewhere(document):
    found = set(references(document))
    assert found
    for reference in found:
        resolve(document, reference)


def test_the_contract_names_exactly_the_problems_that_the_code_has():
    code = problems_of_the_code()
    assert len(code) > 20
    assert set(OPENAPI["components"]["schemas"]["ProblemName"]["enum"]) == set(code)
    in_responses = [name for response in OPENAPI["components"]["responses"].values() for name in response.get("x-problems", [])]
    assert set(in_responses) == set(code)


@pytest.mark.parametrize("method,path", OPERATIONS)
def test_problems_stand_at_the_status_that_the_code_gives_them(method, path):
    code = problems_of_the_code()
    for status, response in OPENAPI["paths"][path][method]["responses"].items():
        if "$ref" in response:
            response = resolve(OPENAPI, response["$ref"])
        assert {code[name] for name in response.get("x-problems", [])} <= {int(status)}


@pytest.mark.parametrize("method,path", OPERATIONS)
def test_every_parameter_of_a_path_is_declared(method, path):
    item = OPENAPI["paths"][path]
    declared = item.get("parameters", []) + item[method].get("parameters", [])
    resolved = [resolve(OPENAPI, p["$ref"]) if "$ref" in p else p for p in declared]
    in_path = {parameter["name"] for parameter in resolved if parameter["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))


@pytest.fixture(scope="module")
def port():
    gateway = subprocess.Popen([REACHBACK, "serve", "--test", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield int(re.search(r":(\d+)$", gateway.stdout.readline()).group(1))
    finally:
        gateway.kill()
        gateway.communicate()


def ask(port, method, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        body = b"{}" if method == "POST" else None
        connection.request(method, path, body, {"Authorization": "Bearer test", **headers})
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type", ""), response.getheader("Allow", "")
    finally:
        connection.close()


def concrete(path):
    return path.replace("{endpoint}", "wsData").replace("{id}", "1").replace("{name}", "no-service")


@pytest.mark.parametrize("method,path", OPERATIONS)
def test_the_gateway_answers_every_operation_as_documented(port, method, path):
    status, content_type, _ = ask(port, method.upper(), concrete(path))
    assert str(status) in documented_statuses(method, path) | EVERYWHERE - {"500"}
    if status >= 400:
        assert content_type.startswith("application/problem+json")
    if path not in ("/v1/endpoints/{endpoint}/connections/{id}", "/problems/{name}"):
        assert status != 404


@pytest.mark.parametrize("path", [path for path in OPENAPI["paths"] if path != "/{endpoint}"])
def test_the_gateway_has_no_method_that_is_not_documented(port, path):
    status, _, allowed = ask(port, "PUT", concrete(path))
    assert status == 405
    offered = {method.strip().lower() for method in allowed.split(",")} - {"head", "options"}
    assert offered == {method for method in METHODS if method in OPENAPI["paths"][path]}
