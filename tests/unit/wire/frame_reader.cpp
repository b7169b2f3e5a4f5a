#include "wire/frame_reader.hpp"

#include <doctest/doctest.h>

#include "unit/wire/frames.hpp"

using namespace reachback;
using core::MessageKind;
using wire::FrameReader;
using wire::Role;
using wire_test::bytes_of;
using wire_test::header_of;
using wire_test::Opcode;
using Step = FrameReader::Step;

namespace {

constexpr std::size_t limit = 1024 * 1024;

/// What a step found: control frames as they stand, payloads unmasked.
struct Found {
  Step step;
  std::string bytes = {};
  bool ends_message = false;
  bool operator==(Found const&) const = default;
};
using Finds = std::vector<Found>;

Finds finds_of(FrameReader& reader, std::string_view bytes) {
  Finds finds;
  reader.offer(bytes);
  for (;;) {
    auto const step = reader.next();
    if (step == Step::need_more) return finds;
    if (step == Step::fault) return finds.push_back({step}), finds;
    std::string piece(reader.piece());
    if (step == Step::payload && reader.mask()) wire::apply(*reader.mask(), piece.data(), piece.size());
    finds.push_back({step, piece, step == Step::payload && reader.ends_message()});
  }
}

std::string payload_in(Finds const& finds) {
  std::string payload;
  for (auto const& found : finds) payload += found.bytes;
  return payload;
}

}  // namespace

TEST_CASE("a mask put on twice is off, and tells what is ASCII wherever it stands") {
  wire::Mask const mask = {'\x01', '\x82', '\x7f', '\xff'};
  for (std::size_t size = 0; size < 200; ++size) {
    CAPTURE(size);
    std::string const text(size, 'x');
    std::string bytes = text;
    wire::apply(mask, bytes.data(), bytes.size());
    for (std::size_t i = 0; i < size; ++i) REQUIRE(bytes[i] == static_cast<char>('x' ^ mask[i % 4]));
    auto const masked = bytes;
    CHECK(wire::apply(mask, bytes.data(), bytes.size()));
    CHECK(bytes == text);
    for (std::size_t i = 0; i < size; ++i) {
      bytes = masked;
      bytes[i] = static_cast<char>('\x80' ^ mask[i % 4]);
      REQUIRE_FALSE(wire::apply(mask, bytes.data(), bytes.size()));
    }
  }
}

TEST_CASE("a piece ends where its frame ends") {
  auto const ping = bytes_of({.opcode = Opcode::ping, .payload = "two"});
  auto const big = std::string(70000, 'x');
  FrameReader reader(Role::server, limit);
  CHECK(finds_of(reader, bytes_of({.payload = "one"}) + ping +
                             bytes_of({.opcode = Opcode::binary, .payload = big})) ==
        Finds{{Step::payload, "one", true}, {Step::control, ping}, {Step::payload, big, true}});
  CHECK(reader.kind() == MessageKind::binary);
}

TEST_CASE("missing bytes in the middle of a header make it wait") {
  for (std::size_t const length : {0u, 5u, 200u, 70000u}) {
    auto const payload = std::string(length, 'x');
    auto const frame = bytes_of({.payload = payload});
    for (std::size_t cut = 1; cut < frame.size() - length; ++cut) {
      FrameReader reader(Role::server, limit);
      CHECK(finds_of(reader, frame.substr(0, cut)).empty());
      CHECK(finds_of(reader, frame.substr(cut)) == Finds{{Step::payload, payload, true}});
    }
  }
}

TEST_CASE("a payload passes as it comes, unmasked from wherever it was cut") {
  auto const payload = std::string(500, 'a') + std::string(500, 'b');
  auto const frame = bytes_of({.payload = payload});
  for (std::size_t const piece : {1u, 2u, 3u, 5u, 7u, 9u, 64u, 333u}) {
    FrameReader reader(Role::server, limit);
    Finds finds;
    for (std::size_t at = 0; at < frame.size(); at += piece)
      for (auto& found : finds_of(reader, frame.substr(at, piece))) finds.push_back(std::move(found));
    CHECK(payload_in(finds) == payload);
    CHECK(std::ranges::count(finds, true, &Found::ends_message) == 1);
    CHECK(finds.back().ends_message);
  }
}

TEST_CASE("a message of several frames ends with the last") {
  FrameReader reader(Role::server, limit);
  auto const continuation = [](std::string text, bool fin) {
    return bytes_of({.opcode = Opcode::continuation, .payload = std::move(text), .fin = fin});
  };
  CHECK(finds_of(reader, bytes_of({.payload = "a", .fin = false}) + continuation("", false) +
                             continuation("b", false) + continuation("", true)) ==
        Finds{{Step::payload, "a"}, {Step::payload}, {Step::payload, "b"}, {Step::payload, "", true}});
}

TEST_CASE("a control frame waits until it is whole") {
  auto const frame = bytes_of({.opcode = Opcode::ping, .payload = std::string(125, 'p')});
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    FrameReader reader(Role::server, limit);
    CHECK(finds_of(reader, frame.substr(0, cut)).empty());
    CHECK(finds_of(reader, frame.substr(cut)) == Finds{{Step::control, frame}});
  }
}

TEST_CASE("a control frame that claims too much is shown by its header alone") {
  FrameReader reader(Role::server, limit);
  auto const header = header_of(Opcode::ping, 126);
  CHECK(finds_of(reader, header) == Finds{{Step::control, header}});
}

TEST_CASE(
    "a length over the limit is a fault before its payload comes, and the frames of a message count "
    "together") {
  FrameReader reader(Role::server, 10);
  CHECK(finds_of(reader, header_of(Opcode::binary, 11)) == Finds{{Step::fault}});
  CHECK(reader.fault() == proto::CloseCode::too_big);
  FrameReader other(Role::server, 10);
  CHECK(finds_of(other, bytes_of({.payload = "01234", .fin = false})).size() == 1);
  CHECK(finds_of(other, header_of(Opcode::continuation, 6)) == Finds{{Step::fault}});
  CHECK(other.fault() == proto::CloseCode::too_big);
}

TEST_CASE("a client takes what comes unmasked as it is") {
  FrameReader reader(Role::client, limit);
  CHECK(finds_of(reader, bytes_of({.payload = "plain", .masked = false})) ==
        Finds{{Step::payload, "plain", true}});
  CHECK(finds_of(reader, bytes_of({.payload = "x"})) == Finds{{Step::fault}});
}
