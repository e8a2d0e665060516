// SPDX-License-Identifier: BSD-3-Clause
//
// One way to fail: a value or an Error whose message grew a clause at each layer it passed.
// `return fail("cannot open {}", path)`; the one printer is in main.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace dishwall {

struct Error {
    std::string message;
};

template <typename T>
using Result = tl::expected<T, Error>;

template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
    return tl::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

// The error one layer up: "<clause>: <cause>".
[[nodiscard]] inline tl::unexpected<Error> fail_with(const Error& cause, std::string clause) {
    return tl::unexpected(Error{std::move(clause) + ": " + cause.message});
}

}  // namespace dishwall
