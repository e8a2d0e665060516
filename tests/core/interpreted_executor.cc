// SPDX-License-Identifier: BSD-3-Clause
//
// The built BPF object under the interpreter, on the same tables as the native core. Needs no privilege:
// vectors and budgets see the very instructions that the kernel is given.
#include "tests/core/interpreted_executor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace dishwall::test {
namespace {

constexpr std::size_t kHeadroom = 256, kTailroom = 4096;
constexpr std::uint64_t kFibNoNeighbour = 7;  // BPF_FIB_LKUP_RET_NO_NEIGH
constexpr std::uint64_t kTcRedirect = 7;
constexpr std::uint64_t kFailed = static_cast<std::uint64_t>(-1);

struct MapView {
    std::uint8_t* base = nullptr;
    std::size_t value_size = 0, entries = 0;
};

class Interpreted final : public InterpretedExecutor {
public:
    Interpreted(const std::string& object, const TableSetup& setup, bool trace)
        : InterpretedExecutor(setup),
          code_(read(object)),
          interpreter_(code_,
                       [this](std::uint32_t number, const auto& given) { return help(number, given); }) {
        memory_.settings.trace = trace;
        maps_.resize(code_.maps.size());
        control_.magic = DW_MAGIC;
        for (std::size_t i = 0; i < maps_.size(); ++i) {
            interpreter_.set_map(code_.maps[i].name, reinterpret_cast<std::uint64_t>(&maps_[i]));
            place(code_.maps[i], &maps_[i]);
        }
    }

    dw_outcome run(Direction direction, const Bytes& frame) override {
        judge(direction, frame);
        return outcome_;
    }
    Bytes reply(const Bytes& frame) override {
        if (judge(Direction::inbound, frame) != XDP_TX) return {};
        const BpfInterpreter::Context& context = interpreter_.context();
        const auto* data = reinterpret_cast<const std::uint8_t*>(context[0]);
        return {data, reinterpret_cast<const std::uint8_t*>(context[1])};
    }
    std::uint64_t judge(Direction direction, const Bytes& frame) override {
        cost_ = {};
        outcome_ = {};
        take_in_force();
        show_inspector();
        packet_.assign(kHeadroom + frame.size() + kTailroom, 0);
        std::ranges::copy(frame, packet_.begin() + kHeadroom);
        BpfInterpreter::Context context{};
        const auto data = reinterpret_cast<std::uint64_t>(packet_.data() + kHeadroom);
        const bool inbound = inbound_ = direction == Direction::inbound;
        context[inbound ? 0 : offsetof(__sk_buff, data) / 4] = data;
        context[inbound ? 1 : offsetof(__sk_buff, data_end) / 4] = data + frame.size();
        if (!inbound) context[offsetof(__sk_buff, len) / 4] = frame.size();
        set_packet(data, frame.size());
        return static_cast<std::uint32_t>(
            interpreter_.run(inbound ? "dw_ingress" : "dw_egress", context, &cost_));
    }
    [[nodiscard]] const BpfCost& cost() const override { return cost_; }

private:
    static BpfCode read(const std::string& object) {
        Result<BpfCode> code = read_bpf_code(object);
        if (!code) throw std::runtime_error(code.error().message);
        return std::move(*code);
    }

    // What the core's own tables are not: room of our own.
    void place(const BpfMap& map, MapView* view) {
        view->value_size = map.value_size;
        const auto at = [&](auto* table, std::size_t entries, bool counted = true) {
            view->base = reinterpret_cast<std::uint8_t*>(
                const_cast<std::remove_const_t<std::remove_pointer_t<decltype(table)>>*>(table));
            view->entries = entries;
            interpreter_.set_memory(map.name, table, entries * map.value_size, counted);
        };
        const std::size_t buckets = memory_.settings.bucket_mask + std::size_t{1};
        if (map.name == "control") at(&control_, 1);
        if (map.name == "own") at(memory_.own, 1);
        if (map.name == "slots") at(memory_.slots, buckets);
        if (map.name == "flows") at(memory_.flows, buckets * DW_WAYS);
        if (map.name == "fragments") at(memory_.fragments, DW_FRAGMENT_BUCKETS);
        if (map.name == "link") at(memory_.link, 1);
        if (map.name == "rates") at(memory_.rates, 1);
        if (map.name == "inspection") at(memory_.inspection, 1);
        if (map.name == "counters") at(memory_.counters, DW_COUNTERS);
        if (map.name == "outcome") at(&outcome_, 1, false);
        if (map.name == "events") at(&event_, 1);
        if (map.name == "policy") policy_ = view;
        if (map.name != "work") return;
        work_.resize(map.entries * map.value_size);
        at(work_.data(), map.entries, false);
    }

    void take_in_force() {
        interpreter_.set_settings(&memory_.settings, sizeof memory_.settings);
        const auto* image = reinterpret_cast<const std::uint8_t*>(memory_.image);
        const std::size_t size = image == nullptr ? 0 : memory_.image_lines * std::size_t{DW_LINE};
        chunks_.clear();
        for (std::size_t at = 0; at < size; at += DW_CHUNK_SIZE)
            chunks_.push_back({const_cast<std::uint8_t*>(image) + at, DW_CHUNK_SIZE, 1});
        interpreter_.set_memory("image", image, size);
    }
    void set_packet(std::uint64_t data, std::size_t size) {
        interpreter_.set_memory("packet", reinterpret_cast<const void*>(data), size);
    }

    std::uint64_t find(const BpfInterpreter::Arguments& given) const {
        const auto* map = reinterpret_cast<const MapView*>(given[0]);
        std::uint32_t key = 0;
        std::memcpy(&key, reinterpret_cast<const void*>(given[1]), sizeof key);
        if (map == policy_) {
            const std::uint32_t chunk = key == DW_POLICY_IN_FORCE ? 0 : (key - 1) % DW_CHUNKS;
            return chunk < chunks_.size() ? reinterpret_cast<std::uint64_t>(&chunks_[chunk]) : 0;
        }
        return key < map->entries ? reinterpret_cast<std::uint64_t>(map->base + key * map->value_size) : 0;
    }

    std::uint64_t help(std::uint32_t number, const BpfInterpreter::Arguments& given) {
        switch (number) {
            case BPF_FUNC_map_lookup_elem:
                return find(given);
            case BPF_FUNC_jiffies64:
                return memory_.now;
            case BPF_FUNC_ktime_get_ns:
                return memory_.now * (1'000'000'000 / memory_.settings.hz);
            case BPF_FUNC_get_smp_processor_id:
                return 0;
            case BPF_FUNC_ringbuf_reserve:
                return memory_.event == nullptr ? 0 : reinterpret_cast<std::uint64_t>(&event_);
            case BPF_FUNC_ringbuf_submit:
                ++memory_.events;
                return 0;
            case BPF_FUNC_fib_lookup:
                return memory_.settings.ask_neighbours ? kFibNoNeighbour : 0;
            case BPF_FUNC_xdp_adjust_head:
                return move(0, static_cast<std::int32_t>(given[1]));
            case BPF_FUNC_xdp_adjust_tail:
                return move(1, static_cast<std::int32_t>(given[1]));
            case BPF_FUNC_redirect:
                return inbound_ ? std::uint64_t{XDP_REDIRECT} : kTcRedirect;
            case BPF_FUNC_skb_pull_data:
                return 0;  // frames are whole here
            default:
                throw std::runtime_error(fmt::format("BPF: no helper {}", number));
        }
    }
    // One end of the packet.
    std::uint64_t move(unsigned end, std::int32_t by) {
        auto& context = interpreter_.context();
        const std::uint64_t moved = context[end] + static_cast<std::uint64_t>(std::int64_t{by});
        const auto room = reinterpret_cast<std::uint64_t>(packet_.data());
        if (moved < room || moved > room + packet_.size()) return kFailed;
        context[end] = moved;
        set_packet(context[0], context[1] - context[0]);
        return 0;
    }

    bool inbound_ = true;  // of the packet at hand
    BpfCode code_;
    BpfInterpreter interpreter_;
    BpfCost cost_;
    std::vector<MapView> maps_;
    std::vector<MapView> chunks_;
    const MapView* policy_ = nullptr;
    std::vector<std::uint8_t> work_;
    Bytes packet_;
    dw_control control_{};
    dw_outcome outcome_{};
    dw_event event_{};
};

}  // namespace

std::unique_ptr<InterpretedExecutor> make_interpreted_executor(const std::string& object,
                                                               const TableSetup& setup, bool trace) {
    return std::make_unique<Interpreted>(object, setup, trace);
}

}  // namespace dishwall::test
