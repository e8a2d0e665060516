// SPDX-License-Identifier: BSD-3-Clause
//
// What the pure compiler may ask of the world, injected, so that tests and fuzzers decide the answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace dishwall {

struct Environment {
    // /etc/services: ("https", "tcp") -> 443, host byte order. Empty when there is no such name.
    std::function<std::optional<std::uint16_t>(std::string_view service, std::string_view proto)>
        service_port;
};

}  // namespace dishwall
