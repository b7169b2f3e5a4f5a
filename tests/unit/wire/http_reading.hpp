#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "wire/http_parser.hpp"

namespace reachback::wire_test {

using wire::HttpFault;
using wire::HttpLimits;
using wire::HttpProgress;
using wire::HttpRequestParser;

struct Read {
  HttpProgress progress;
  HttpFault fault;
  std::string body;
  std::string rest;  ///< what the parser left
};

/// Gives the parser its bytes in pieces, offering again what it left, until it is done or they are used up.
inline Read read(HttpRequestParser& parser, std::string_view bytes, std::size_t piece) {
  std::string waiting;
  auto const is_open = [&] {
    return parser.progress() == HttpProgress::head || parser.progress() == HttpProgress::body;
  };
  while (!bytes.empty() && is_open()) {
    waiting += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    std::size_t taken = 1;
    while (taken != 0 && is_open()) {
      taken = parser.feed(waiting);
      waiting.erase(0, taken);
    }
  }
  auto const fault = parser.fault();
  auto const progress = parser.progress();
  return {progress, fault, std::string(parser.take_body().view()), waiting.append(bytes)};
}

inline Read read(std::string_view bytes, HttpLimits limits = {}, std::size_t piece = 1 << 20) {
  HttpRequestParser parser(limits);
  return read(parser, bytes, piece);
}

inline std::string post(std::string_view fields, std::string_view body) {
  return "POST /v1/endpoints/wsData/requests?timeout=5 HTTP/1.1\r\nHost: x\r\n" + std::string(fields) +
         "\r\n" + std::string(body);
}

constexpr std::size_t piece_sizes[] = {1, 2, 3, 7, 16, 61, 1000};

inline void check_fault(std::string_view bytes, HttpFault fault, HttpLimits limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  for (std::size_t const piece : piece_sizes) {
    auto const result = read(bytes, limits, piece);
    CHECK(result.progress == HttpProgress::failed);
    CHECK(result.fault == fault);
  }
}

}  // namespace reachback::wire_test
