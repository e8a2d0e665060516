// SPDX-License-Identifier: BSD-3-Clause
//
// The one owner of a mapped region. Policy, flows, counters and our prefixes are flat arrays that the kernel
// side and the daemon both see through their own mapping (design D2).
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "rules/result.h"

namespace dishwall {

class Mapping {
public:
    enum class Access { read, write };

    Mapping() = default;
    Mapping(Mapping&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Mapping& operator=(Mapping&& other) noexcept {
        std::swap(start_, other.start_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Mapping() {
        if (start_ != nullptr) ::munmap(start_, size_);
    }

    // Maps the first `size` bytes of `fd`, rounded up to pages.
    [[nodiscard]] static Result<Mapping> of(int fd, std::size_t size, Access access) {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t rounded = (size + page - 1) / page * page;
        const int protection = access == Access::write ? PROT_READ | PROT_WRITE : PROT_READ;
        void* start = ::mmap(nullptr, rounded, protection, MAP_SHARED, fd, 0);
        if (start == MAP_FAILED) return fail("cannot map {} bytes of a map: {}", size, std::strerror(errno));
        return Mapping(start, rounded);
    }

    // The region as an array of `count` T. The caller has mapped at least that much.
    template <typename T>
    [[nodiscard]] std::span<T> as_array(std::size_t count) const {
        return {static_cast<T*>(start_), count};
    }
    template <typename T>
    [[nodiscard]] T* as() const {
        return static_cast<T*>(start_);
    }

private:
    Mapping(void* start, std::size_t size) : start_(start), size_(size) {}

    void* start_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace dishwall
