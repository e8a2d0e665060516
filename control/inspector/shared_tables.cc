// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/shared_tables.h"

#include <bpf/bpf.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

// The fd may go once the map is mapped.
Result<Mapping> map_pin(const std::string& pins, const char* name, std::size_t value_size,
                        std::size_t entries, Mapping::Access access) {
    const std::string path = fmt::format("{}/{}", pins, name);
    const UniqueFd map(bpf_obj_get(path.c_str()));
    if (!map.is_open()) return fail("cannot open the map {}: {}", path, std::strerror(errno));
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail("cannot ask about the map {}: {}", path, std::strerror(errno));
    if (info.value_size != value_size || info.max_entries != entries)
        return fail("the map {} has {} entries of {} bytes, not {} of {}: is dishwalld of another version?",
                    path, info.max_entries, info.value_size, entries, value_size);
    return Mapping::of(map.get(), value_size * entries, access);
}

Result<void> check(const dw_control& control, const std::string& pins) {
    if (control.magic != DW_MAGIC) return fail("the maps in {} are not dishwall's", pins);
    if (control.layout != DW_LAYOUT_VERSION)
        return fail(
            "the maps in {} have layout {}, this is layout {}: install dishwalld and dishwall-inspect from "
            "one build",
            pins, control.layout, DW_LAYOUT_VERSION);
    if (!std::has_single_bit(std::uint64_t{control.bucket_mask} + 1))
        return fail("the flow table in {} has a size that cannot be", pins);
    return {};
}

}  // namespace

Result<SharedTables> SharedTables::open(const std::string& pins) {
    SharedTables tables;
    const auto take = [&](Mapping* mapping, const char* name, std::size_t value_size, std::size_t entries,
                          Mapping::Access access = Mapping::Access::write) -> Result<void> {
        Result<Mapping> mapped = map_pin(pins, name, value_size, entries, access);
        if (!mapped) return tl::unexpected(mapped.error());
        *mapping = std::move(*mapped);
        return {};
    };
    Result<void> done = take(&tables.control_, "control", sizeof(dw_control), 1, Mapping::Access::read);
    if (done) done = check(tables.control(), pins);
    if (done) done = take(&tables.inspection_, "inspection", sizeof(dw_inspection), 1);
    if (done) done = take(&tables.slots_, "slots", sizeof(dw_slots), tables.buckets());
    if (done) done = take(&tables.flows_, "flows", sizeof(dw_flow), tables.buckets() * DW_WAYS);
    if (!done) return tl::unexpected(done.error());
    return tables;
}

}  // namespace dishwall
