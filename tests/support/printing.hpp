#pragma once

#include <doctest/doctest.h>

#include <string>

#include "reachback/errors.hpp"

/// How a failed check shows a result: by the failure that it holds.
template <class T>
struct doctest::StringMaker<reachback::Result<T>> {
  static String convert(reachback::Result<T> const& result) {
    if (result) return "a value";
    auto const& failure = result.error();
    return (std::string(reachback::proto::name_of(failure.problem)) + ": " + failure.detail).c_str();
  }
};
