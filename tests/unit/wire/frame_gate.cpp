#include "wire/frame_gate.hpp"

#include <doctest/doctest.h>

#include "unit/wire/frames.hpp"

using namespace reachback;
using wire_test::bytes_of;
using wire_test::Opcode;

namespace {

std::vector<std::string> pieces_of(wire::FrameGate& gate, std::string_view bytes) {
  std::vector<std::string> pieces;
  gate.offer(bytes);
  for (auto piece = gate.next(); !piece.empty(); piece = gate.next()) pieces.emplace_back(piece);
  return pieces;
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("a piece ends where its frame ends") {
  auto const first = bytes_of({.payload = "one"});
  auto const second = bytes_of({.opcode = Opcode::ping, .payload = "two"});
  auto const third = bytes_of({.opcode = Opcode::binary, .payload = std::string(70000, 'x')});
  wire::FrameGate gate;
  CHECK(pieces_of(gate, first + second + third) == Pieces{first, second, third});
}

TEST_CASE("missing bytes in the middle of a header make it wait") {
  for (std::size_t const length : {0u, 5u, 200u, 70000u}) {
    auto const frame = bytes_of({.payload = std::string(length, 'x')});
    auto const header = frame.size() - length;
    for (std::size_t cut = 1; cut < header; ++cut) {
      wire::FrameGate gate;
      CHECK(pieces_of(gate, frame.substr(0, cut)).empty());
      auto const rest = pieces_of(gate, frame.substr(cut));
      REQUIRE(!rest.empty());
      CHECK(rest[0] == frame.substr(0, header));
      CHECK((rest.size() == 1 ? "" : rest[1]) == frame.substr(header));
    }
  }
}

TEST_CASE("a payload passes as it comes") {
  auto const frame = bytes_of({.payload = std::string(1000, 'x')});
  wire::FrameGate gate;
  CHECK(pieces_of(gate, frame.substr(0, 10)) == Pieces{frame.substr(0, 10)});
  CHECK(pieces_of(gate, frame.substr(10, 500)) == Pieces{frame.substr(10, 500)});
  CHECK(pieces_of(gate, frame.substr(510)) == Pieces{frame.substr(510)});
}

TEST_CASE("a control frame waits until it is whole") {
  auto const frame = bytes_of({.opcode = Opcode::ping, .payload = std::string(125, 'p')});
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    wire::FrameGate gate;
    CHECK(pieces_of(gate, frame.substr(0, cut)).empty());
    CHECK(pieces_of(gate, frame.substr(cut)) == Pieces{frame});
  }
}

TEST_CASE("a control frame that claims too much is shown by its header alone") {
  wire::FrameGate gate;
  auto const header = wire_test::header_of(Opcode::ping, 126);
  CHECK(pieces_of(gate, header) == Pieces{header});
}

TEST_CASE("a length near the end of 64 bits is no trap") {
  wire::FrameGate gate;
  auto const start = wire_test::header_of(Opcode::binary, ~std::uint64_t{0}) + "abc";
  CHECK(pieces_of(gate, start) == Pieces{start});
  CHECK(pieces_of(gate, "more") == Pieces{"more"});
}
