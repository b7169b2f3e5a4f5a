"""Does the check see what it is for? Each case plants one file into a small tree that is in order."""

import tempfile
import unittest
from pathlib import Path

from check_layers import check

IN_ORDER = {
    "proto/include/reachback/proto/ids.hpp": "#include <cstdint>\n",
    "proto/src/ids.cpp": '#include "reachback/proto/ids.hpp"\n#include <zlib.h>\n',
    "lib/include/reachback/gateway.hpp": '#include "reachback/proto/ids.hpp"\n#include <boost/asio/awaitable.hpp>\n',
    "lib/src/core/outbox.hpp": '#include "reachback/proto/ids.hpp"\n',
    "lib/src/wire/codec.hpp": '#include "core/outbox.hpp"\n',
    "lib/src/wire/codec.cpp": '#include "wire/codec.hpp"\n#include <boost/beast/websocket/stream.hpp>\n',
    "lib/src/async/shard.hpp": "#include <boost/asio/io_context.hpp>\n",
    "lib/src/net/connection.cpp": '#include "wire/codec.hpp"\n#include <sys/ioctl.h>\n#include <fmt/format.h>\n',
    "lib/src/gateway/routes.cpp": '#include "net/sink.hpp"\n#include <prometheus/registry.h>\n',
    "lib/src/net/sink.hpp": "#include <vector>\n",
    "lib/src/net/tls.cpp": "#include <openssl/ssl.h>\n",
    "lib/src/client/dial.hpp": "#include <string>\n",
    "service/main.cpp": '#include "options.hpp"\n#include <reachback/gateway.hpp>\n#include <CLI/CLI.hpp>\n',
    "service/options.hpp": "#include <optional>\n",
}

FORBIDDEN = {
    "a lower room that includes a higher one": ("lib/src/core/x.hpp", '#include "net/sink.hpp"'),
    "core with Asio": ("lib/src/core/x.cpp", "#include <boost/asio/post.hpp>"),
    "core with the operating system": ("lib/src/core/x.cpp", "#include <sys/socket.h>"),
    "core with a formatting library": ("lib/src/core/x.cpp", "#include <fmt/format.h>"),
    "proto with Asio": ("proto/src/x.cpp", "#include <boost/asio/buffer.hpp>"),
    "proto with Beast": ("proto/src/x.cpp", "#include <boost/beast/core.hpp>"),
    "proto that includes the library": ("proto/src/x.cpp", '#include "core/outbox.hpp"'),
    "wire with sockets": ("lib/src/wire/x.cpp", "#include <boost/asio/ip/tcp.hpp>"),
    "async that includes the codec": ("lib/src/async/x.cpp", '#include "wire/codec.hpp"'),
    "core with TLS": ("lib/src/core/x.cpp", "#include <openssl/ssl.h>"),
    "wire with TLS": ("lib/src/wire/x.cpp", "#include <openssl/ssl.h>"),
    "a public header with TLS": ("lib/include/reachback/x.hpp", "#include <openssl/ssl.h>"),
    "net with Beast": ("lib/src/net/x.cpp", "#include <boost/beast/core.hpp>"),
    "net that includes the gateway": ("lib/src/net/x.cpp", '#include "gateway/routes.hpp"'),
    "gateway that includes the client": ("lib/src/gateway/x.cpp", '#include "client/dial.hpp"'),
    "client that includes the gateway": ("lib/src/client/x.cpp", '#include "gateway/routes.hpp"'),
    "a public header with Beast": ("lib/include/reachback/x.hpp", "#include <boost/beast/http.hpp>"),
    "a public header that includes a room": ("lib/include/reachback/x.hpp", '#include "core/outbox.hpp"'),
    "a public header with fmt": ("lib/include/reachback/x.hpp", "#include <fmt/format.h>"),
    "a header of proto with zlib": ("proto/include/reachback/proto/x.hpp", "#include <zlib.h>"),
    "the service that looks inside": ("service/x.cpp", '#include "net/sink.hpp"'),
    "the service with Beast": ("service/x.cpp", "#include <boost/beast/http.hpp>"),
    "e2e that includes ours": ("tests/e2e/x.cpp", "#include <reachback/gateway.hpp>"),
    "spaces in the directive": ("lib/src/core/x.cpp", "  #  include <boost/asio/post.hpp>"),
    "a room that is not in the table": ("lib/src/attic/x.cpp", "#include <vector>"),
    "a detached coroutine": ("lib/src/net/x.cpp", "co_spawn(e, f(), asio::detached);"),
    "Asio's header for detaching": ("lib/src/net/x.cpp", "using boost::asio::detached_t;"),
    "a mutex": ("lib/src/gateway/x.cpp", "std::mutex mutex_;"),
    "a shared mutex in proto": ("proto/src/x.cpp", "std::shared_mutex mutex_;"),
    "a condition variable": ("lib/src/async/x.cpp", "std::condition_variable_any wake_;"),
    "a guard": ("lib/src/async/x.cpp", "std::scoped_lock const lock(m);"),
}

ALLOWED = {
    "a comment that names what is banned": ("lib/src/net/x.cpp", "// no asio::detached, no std::mutex\n/* std::mutex\n */"),
    "a text that names what is banned": ("lib/src/net/x.cpp", 'auto t = "std::mutex";'),
    "a private header beside its source": ("proto/src/x.cpp", '#include "word.hpp"'),
    "a lock in the service": ("service/x.cpp", "std::mutex mutex_;"),
}


def violations_with(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        return check(root)


class CheckLayers(unittest.TestCase):
    def test_a_tree_in_order_passes(self):
        self.assertEqual(violations_with(IN_ORDER), [])

    def test_each_forbidden_thing_is_reported_with_its_place(self):
        extra = {"lib/src/gateway/routes.hpp": "#include <vector>"}
        for what, (path, line) in FORBIDDEN.items():
            with self.subTest(what):
                violations = violations_with(IN_ORDER | extra | {path: "#include <map>\n" + line})
                self.assertEqual(len(violations), 1, violations)
                expected = 1 if "attic" in path else 2
                self.assertTrue(violations[0].startswith(f"{path}:{expected}: "), violations)

    def test_what_only_looks_forbidden_passes(self):
        extra = {"proto/src/word.hpp": "#include <bit>"}
        for what, (path, text) in ALLOWED.items():
            with self.subTest(what):
                self.assertEqual(violations_with(IN_ORDER | extra | {path: text}), [])

    def test_a_fourth_unit_with_beast_is_reported_even_through_a_header(self):
        files = IN_ORDER | {"lib/src/wire/layer.hpp": "#include <boost/beast/core/stream_traits.hpp>"}
        for name in ("a", "b"):
            files[f"lib/src/wire/{name}.cpp"] = '#include "wire/layer.hpp"'
        self.assertEqual(violations_with(files), [])
        files["lib/src/wire/c.cpp"] = '#include "wire/layer.hpp"'
        violations = violations_with(files)
        self.assertEqual(len(violations), 1, violations)
        self.assertIn("4 units compile Beast", violations[0])

    def test_a_private_header_of_proto_is_not_for_others(self):
        files = IN_ORDER | {
            "proto/src/word.hpp": "#include <bit>",
            "lib/src/core/x.cpp": '#include "../../../proto/src/word.hpp"',
        }
        self.assertEqual(len(violations_with(files)), 1)

    def test_an_empty_tree_is_no_success(self):
        self.assertEqual(len(violations_with({})), 1)


if __name__ == "__main__":
    unittest.main()
