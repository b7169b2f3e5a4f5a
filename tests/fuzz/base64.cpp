// Base64 of a peer's data: what is decoded encodes to the same letters, and the pieces of a stream don't
// matter. And MD5 in pieces.
#include "reachback/proto/base64.hpp"

#include <algorithm>
#include <string>

#include "pieces.hpp"
#include "reachback/proto/md5.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

void check_decoding(std::string_view text) {
  std::string bytes, unpadded;
  bool const good = proto::decode_base64(text, proto::Padding::allowed, bytes);
  bool const good_inside = proto::decode_base64(text, proto::Padding::refused, unpadded);
  expect(good || !good_inside, "what is good inside is good at the end");
  if (good) {
    // The last letter may have bits that stand for nothing: services may send any, and the hash tells.
    auto const letters = proto::to_base64(bytes);
    std::size_t const whole = text.size() - std::min<std::size_t>(text.size(), 4);
    expect(letters.size() == text.size() && text.starts_with(letters.substr(0, whole)),
           "what is decoded encodes to the same letters");
  }
  if (good_inside) expect(bytes == unpadded && !text.ends_with('='), "there is no padding inside");
}

void check_encoding(std::string_view bytes) {
  auto const letters = proto::to_base64(bytes);
  std::string back;
  expect(proto::decode_base64(letters, proto::Padding::allowed, back) && back == bytes,
         "what is encoded reads back");
  for (auto const cut : {Cut::single_bytes, Cut::mixed}) {
    proto::Base64Encoder encoder;
    proto::Md5 md5;
    Pieces pieces(cut, bytes);
    std::string streamed;
    for (auto rest = bytes; !rest.empty();) {
      auto const piece = pieces.take(rest);
      encoder.update(piece, streamed);
      md5.update(piece);
    }
    encoder.finish(streamed);
    expect(streamed == letters, "a stream's base64 is that of its bytes");
    expect(proto::same_hex(md5.finish(), proto::md5_hex(bytes)), "and so is its hash");
  }
}

void run(std::string_view input) {
  check_decoding(input);
  check_encoding(input);
}

Registration const registration("base64", run);

}  // namespace
}  // namespace reachback::fuzz
