#include "bench/load/caller.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace reachback::bench {

std::string post(Options const& options, std::string_view path, std::string_view type,
                 std::string_view accept, std::string_view body) {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ").append(options.token);
  text.append("\r\nAccept: ").append(accept).append("\r\nContent-Type: ").append(type);
  text.append("\r\nContent-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return text;
}

std::string_view accept_of(Form form) {
  switch (form) {
    case Form::json:
      return "application/json";
    case Form::lines:
      return "application/x-ndjson";
    case Form::octets:
      return "application/octet-stream";
  }
  return {};
}

std::size_t Caller::on_input(std::span<char> bytes) {
  std::string_view const text{bytes.data(), bytes.size()};
  std::size_t done = 0;
  while (done < text.size()) {
    auto const taken = take(text.substr(done));
    if (taken == 0) break;
    done += taken;
  }
  return done;
}

void Caller::on_closed() { throw std::runtime_error("the server has closed a caller's connection"); }

std::size_t Caller::take(std::string_view bytes) {
  switch (expected_) {
    case Expected::head:
      return take_head(bytes);
    case Expected::body:
    case Expected::chunk:
      return take_body(bytes);
    case Expected::chunk_head:
      return take_chunk_head(bytes);
    case Expected::chunk_end:
      return take_chunk_end(bytes);
  }
  return 0;
}

std::size_t Caller::take_head(std::string_view bytes) {
  constexpr std::string_view length = "\r\nContent-Length: ";
  auto const end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  auto const head = bytes.substr(0, end);
  if (!head.starts_with("HTTP/1.1 200 ")) throw std::runtime_error("answered: " + std::string(bytes));
  auto const at = head.find(length);
  if (at == std::string_view::npos) {
    if (head.find("chunked") == std::string_view::npos) throw std::runtime_error("a body without length");
    expected_ = Expected::chunk_head;
  } else {
    std::from_chars(head.data() + at + length.size(), head.data() + head.size(), left_);
    if (left_ == 0) throw std::runtime_error("an empty answer");
    expected_ = Expected::body;
  }
  return end + 4;
}

std::size_t Caller::take_body(std::string_view bytes) {
  auto const part = bytes.substr(0, left_);
  on_body(part);
  left_ -= part.size();
  if (left_ > 0) return part.size();
  if (expected_ == Expected::chunk) {
    expected_ = Expected::chunk_end;
  } else {
    expected_ = Expected::head;
    on_answered();
  }
  return part.size();
}

std::size_t Caller::take_chunk_head(std::string_view bytes) {
  auto const end = bytes.find("\r\n");
  if (end == std::string_view::npos) return 0;
  auto const digits = bytes.substr(0, end);
  auto const [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (error != std::errc() || stop != digits.data() + digits.size())
    throw std::runtime_error("a malformed chunk");
  last_chunk_ = left_ == 0;
  expected_ = last_chunk_ ? Expected::chunk_end : Expected::chunk;
  return end + 2;
}

std::size_t Caller::take_chunk_end(std::string_view bytes) {
  if (bytes.size() < 2) return 0;
  if (!bytes.starts_with("\r\n")) throw std::runtime_error("a malformed end of a chunk");
  expected_ = last_chunk_ ? Expected::head : Expected::chunk_head;
  if (last_chunk_) on_answered();
  return 2;
}

}  // namespace reachback::bench
