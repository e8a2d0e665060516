// SPDX-License-Identifier: BSD-3-Clause
//
// Random walk: who finds both lines full takes a seat in one of them, and who sat there goes to his other
// line. At the loads that are asked for here a walk is a few steps long; one of kMostSteps has failed.
#include "rules/image/cuckoo.h"

#include <cmath>
#include <utility>

#include "bpf/core/image_layout.h"

namespace dishwall {
namespace {

constexpr unsigned kMostSteps = 2000;

class Seating {
public:
    Seating(const std::vector<std::uint64_t>& hashes, std::uint32_t lines, unsigned ways)
        : hashes_(hashes), lines_(lines), ways_(ways), seats_(std::size_t{lines} * ways, kNobody) {}

    bool add(std::uint32_t element) {
        const std::uint32_t first = first_line(element), second = second_line(element);
        if (sit_down(element, first) || sit_down(element, second)) return true;
        std::uint32_t line = next_random() & 1 ? first : second;
        for (unsigned step = 0; step < kMostSteps; ++step) {
            element = std::exchange(seats_[std::size_t{line} * ways_ + next_random() % ways_], element);
            line = line == first_line(element) ? second_line(element) : first_line(element);
            if (sit_down(element, line)) return true;
        }
        return false;
    }

    std::vector<std::uint32_t> take() { return std::move(seats_); }

private:
    [[nodiscard]] std::uint32_t first_line(std::uint32_t element) const {
        return dw_pick(hashes_[element], lines_);
    }
    [[nodiscard]] std::uint32_t second_line(std::uint32_t element) const {
        return dw_pick(dw_mix(hashes_[element], 1), lines_);
    }

    bool sit_down(std::uint32_t element, std::uint32_t line) {
        std::uint32_t* seat = &seats_[std::size_t{line} * ways_];
        for (unsigned way = 0; way < ways_; ++way)
            if (seat[way] == kNobody) {
                seat[way] = element;
                return true;
            }
        return false;
    }

    // The same every time, so that a policy has one image.
    std::uint32_t next_random() {
        random_ = random_ * 6364136223846793005ull + 1442695040888963407ull;
        return static_cast<std::uint32_t>(random_ >> 33);
    }

    const std::vector<std::uint64_t>& hashes_;
    std::uint32_t lines_;
    unsigned ways_;
    std::vector<std::uint32_t> seats_;
    std::uint64_t random_ = 1;
};

}  // namespace

std::optional<std::vector<std::uint32_t>> seat(const std::vector<std::uint64_t>& hashes, std::uint32_t lines,
                                               unsigned ways) {
    Seating seating(hashes, lines, ways);
    for (std::size_t element = 0; element < hashes.size(); ++element)
        if (!seating.add(static_cast<std::uint32_t>(element))) return std::nullopt;
    return seating.take();
}

std::uint32_t lines_for(std::size_t elements, unsigned ways, double load) {
    const double lines = std::ceil(static_cast<double>(elements) / (ways * load));
    return lines < 1 ? 1 : static_cast<std::uint32_t>(lines);
}

}  // namespace dishwall
