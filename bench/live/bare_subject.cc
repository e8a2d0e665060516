// SPDX-License-Identifier: BSD-3-Clause
//
// The floors: a gateway that decides nothing, and what the guard adds to one.
#include <net/if.h>

#include "bench/live/command.h"
#include "bench/live/subject.h"
#include "control/guard.h"

namespace dishwall::bench {
namespace {

// The kernel's own count of a veth's queue, for the program that counts nothing itself.
Result<std::uint64_t> queue_statistic(const NetworkNamespace& where, const std::string& name) {
    auto text = run(where, {"ethtool", "-S", "up0"});
    if (!text) return tl::unexpected(text.error());
    const std::size_t at = text->find(" " + name + ": ");
    if (at == std::string::npos) return fail("`ethtool -S up0` does not tell {}", name);
    return std::strtoull(text->c_str() + at + name.size() + 3, nullptr, 10);
}

class BareSubject : public Subject {
public:
    BareSubject(BareProgram program, bool guarded) : program_(program), guarded_(guarded) {}

    Result<void> arm(const Site& site) override {
        auto loaded = LoadedDevice::load();
        if (!loaded) return tl::unexpected(loaded.error());
        device_ = std::move(*loaded);
        if (Result<void> shielded = guarded_ ? guard(site) : Result<void>(); !shielded) return shielded;
        if (program_ == BareProgram::none) return {};
        return attach_xdp(site.gateway(), "up0", chosen());
    }

    Result<Fates> counted(const Site& site) override {
        Fates fates;
        if (program_ == BareProgram::drop || program_ == BareProgram::none) {
            auto count =
                queue_statistic(site.gateway(), program_ == BareProgram::drop ? "rx_queue_0_xdp_drops"
                                                                              : "rx_queue_0_xdp_packets");
            if (!count) return tl::unexpected(count.error());
            fates.denied = *count;
        } else {
            fates.denied = device_.frames();
        }
        return fates;
    }

    bool judges() const override { return false; }
    bool passes() const override { return program_ == BareProgram::none || program_ == BareProgram::pass; }

private:
    static Result<void> guard(const Site& site) {
        const auto inside = Inside::enter(site.gateway());
        if (!inside) return tl::unexpected(inside.error());
        return Guard("up0", "bench").arm(::if_nametoindex("up0"), kIspMac);  // as if it had been stamped
    }

    [[nodiscard]] const bpf_program* chosen() const {
        const auto& programs = device_.skeleton->progs;
        if (program_ == BareProgram::drop) return programs.drop_bare;
        return program_ == BareProgram::drop_parsed ? programs.drop_parsed : programs.pass_counted;
    }

    BareProgram program_;
    bool guarded_;
    LoadedDevice device_;
};

}  // namespace

SubjectPtr bare(BareProgram program) { return std::make_unique<BareSubject>(program, false); }

SubjectPtr guarded(BareProgram program) { return std::make_unique<BareSubject>(program, true); }

}  // namespace dishwall::bench
