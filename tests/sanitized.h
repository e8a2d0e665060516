// SPDX-License-Identifier: BSD-3-Clause
//
// The unit tests run a second time under ASan and UBSan, unoptimised: twenty times slower. There, random runs look
// for errors of memory, which show soon, and are a tenth as long.
#pragma once

#if defined(__SANITIZE_ADDRESS__)  // g++
#define DISHWALL_SANITIZED
#elif defined(__has_feature)  // clang
#if __has_feature(address_sanitizer)
#define DISHWALL_SANITIZED
#endif
#endif

namespace dishwall::test {

#ifdef DISHWALL_SANITIZED
inline constexpr int kRandomRunsDividedBy = 10;
inline constexpr bool kSanitized = true;  // what takes long only because it is long, the other build does
#else
inline constexpr bool kSanitized = false;
inline constexpr int kRandomRunsDividedBy = 1;
#endif

}  // namespace dishwall::test
