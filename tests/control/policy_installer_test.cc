// SPDX-License-Identifier: BSD-3-Clause
//
// Kernel objects without a daemon: generations, swaps, pins. Needs root.
#include "control/policy_installer.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "control/datapath.h"
#include "control/kernel_support.h"
#include "policy_maker.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

constexpr unsigned kFlows = 1024;

CompiledImage image_of(const Policy& policy) {
    return *lower(policy, [](const Rule&) { return DW_REASONS_MAX; });
}

class Installer : public testing::Test {
protected:
    void SetUp() override {
        path_ = fmt::format("/sys/fs/bpf/dw-{}-objects", ::getpid());
        Result<PinDirectory> pins = PinDirectory::open(path_);
        ASSERT_TRUE(pins) << pins.error().message;
        pins_ = std::move(*pins);
        open();
    }
    void TearDown() override {
        datapath_.reset();
        EXPECT_TRUE(unpin_maps(*pins_));
        pins_->remove_directory();
        EXPECT_FALSE(std::filesystem::exists(path_));
    }
    void open() {
        datapath_.reset();
        Result<Datapath> datapath = Datapath::open(*pins_, kFlows);
        ASSERT_TRUE(datapath) << datapath.error().message;
        datapath_.emplace(std::move(*datapath));
    }

    std::string path_;
    std::optional<PinDirectory> pins_;
    std::optional<Datapath> datapath_;
};

TEST_F(Installer, NumbersEachImageAndSwapsTheTwo) {
    EXPECT_EQ(datapath_->policy().generation(), 0u);
    EXPECT_EQ(datapath_->policy().in_force(), nullptr);
    const dw_image* before = nullptr;
    for (std::uint32_t generation = 1; generation <= 5; ++generation) {
        const std::string port = std::to_string(generation);
        const Result<std::uint32_t> installed =
            datapath_->policy().install(image_of(policy_with("accept tcp " + port + " to nas name web\n")));
        ASSERT_TRUE(installed) << installed.error().message;
        EXPECT_EQ(*installed, generation);
        EXPECT_EQ(datapath_->policy().generation(), generation);
        EXPECT_NE(datapath_->policy().in_force(), before) << "the image in force must not be written to";
        before = datapath_->policy().in_force();
    }
}

TEST_F(Installer, AnAdoptingDaemonCountsOnAndSparesWhatIsInForce) {
    const CompiledImage image = image_of(policy_with("accept tcp 443 to nas name web\n"));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(datapath_->policy().install(image));
    ASSERT_TRUE(datapath_->pin(*pins_));
    const dw_settings settings = datapath_->settings();
    open();
    EXPECT_TRUE(datapath_->adopted());
    EXPECT_EQ(datapath_->policy().generation(), 3u);
    EXPECT_EQ(std::memcmp(datapath_->settings().secret, settings.secret, sizeof settings.secret), 0);
    EXPECT_EQ(datapath_->settings().hz, settings.hz);
    ASSERT_TRUE(datapath_->policy().install(image));
    EXPECT_EQ(datapath_->policy().generation(), 4u);
}

TEST_F(Installer, PinsWithoutThePolicyInForceAreNotAdopted) {
    ASSERT_TRUE(datapath_->policy().install(image_of(policy_with("accept tcp 443 to nas name web\n"))));
    ASSERT_TRUE(datapath_->pin(*pins_));
    ASSERT_TRUE(pins_->remove("image_a_0"));
    const Result<PinnedMaps> found = find_pinned_maps(*pins_, {kFlows / DW_WAYS, datapath_->cpus()});
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->maps);
    EXPECT_EQ(found->why_not, "the policy in force is in none of the pinned images");
}

TEST_F(Installer, PinsWithoutTheirSealAreNotAdopted) {
    ASSERT_TRUE(datapath_->pin(*pins_));
    ASSERT_TRUE(pins_->remove("control"));
    const Result<PinnedMaps> found = find_pinned_maps(*pins_, {kFlows / DW_WAYS, datapath_->cpus()});
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->maps);
    EXPECT_EQ(found->why_not, "some of them are missing");
}

TEST_F(Installer, PinsOfAnotherLayoutAreNotAdopted) {
    dw_control control{};
    control.magic = DW_MAGIC;
    control.layout = DW_LAYOUT_VERSION + 1;
    ASSERT_TRUE(write_control(datapath_->maps(), control));
    ASSERT_TRUE(datapath_->pin(*pins_));
    const Result<PinnedMaps> found = find_pinned_maps(*pins_, {kFlows / DW_WAYS, datapath_->cpus()});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->why_not, fmt::format("they have layout {}, this is layout {}", DW_LAYOUT_VERSION + 1,
                                          DW_LAYOUT_VERSION));
}

TEST_F(Installer, RefusesAnImageThatDoesNotFit) {
    for (const std::size_t size :
         {std::size_t{DW_IMAGE_SIZE} + DW_LINE, sizeof(dw_image) + 1, std::size_t{0}}) {
        const Result<std::uint32_t> refused =
            datapath_->policy().install({std::vector<std::byte>(size), ImageFacts{}});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message,
                  fmt::format("a policy of {} bytes; it has to be whole lines of 64, and the limit is {}",
                              size, DW_IMAGE_SIZE));
    }
    EXPECT_EQ(datapath_->policy().generation(), 0u);
}

TEST_F(Installer, WhatIsOursIsReadBackAsWritten) {
    Own own;
    own.prefixes.push_back(
        {*Ipv6Prefix::make(*parse_ipv6("2001:db8:aa00::"), 56), 1, DW_PREFIX_GRACE, false});
    own.prefixes.push_back(
        {*Ipv6Prefix::make(*parse_ipv6("2001:db8:1::"), 64), 0, DW_PREFIX_PREFERRED, true});
    own.self = {*parse_ipv6("fe80::1")};
    for (int i = 0; i < 2 * DW_OWN_COPIES; ++i) {
        own.self[0].lo = static_cast<std::uint64_t>(i + 1);
        ASSERT_TRUE(datapath_->own().write(own));
        EXPECT_EQ(datapath_->own().in_force(), own);
    }
    own.prefixes.resize(DW_PREFIXES + 1, own.prefixes[0]);
    const Result<void> refused = datapath_->own().write(own);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "9 live prefixes, at most 8 can be followed");
    EXPECT_EQ(datapath_->own().in_force().prefixes.size(), 2u);
}

TEST_F(Installer, TheClockMakesSense) {
    const Result<KernelInstant> earlier = datapath_->now();
    ::usleep(100'000);
    const Result<KernelInstant> later = datapath_->now();
    ASSERT_TRUE(earlier && later);
    EXPECT_GE(later->monotonic_ns - earlier->monotonic_ns, 100'000'000u);
    EXPECT_EQ(nearest_hz(*earlier, *later), datapath_->settings().hz);
}

// A version before left its images there, 64 MiB each, under names that nobody uses any more.
TEST_F(Installer, PinsOfOlderVersionsGoWithAnUpgradeAndWithAnUnload) {
    const auto leave_behind = [&] {
        for (const char* name : {"image_a", "image_b", "ranges"}) {
            const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, 4, 1, nullptr));
            ASSERT_TRUE(pins_->put(name, map.get()));
        }
    };
    const auto left = [&] {
        std::string names;
        for (const char* name : {"image_a", "image_b", "ranges"})
            if (std::filesystem::exists(path_ + "/" + name)) names += std::string(name) + " ";
        return names;
    };
    leave_behind();
    EXPECT_EQ(left(), "image_a image_b ranges ");
    const Result<void> pinned = datapath_->pin(*pins_);
    ASSERT_TRUE(pinned) << pinned.error().message;
    EXPECT_EQ(left(), "");
    leave_behind();
    EXPECT_TRUE(unpin_maps(*pins_));
    EXPECT_EQ(left(), "");
}

}  // namespace
}  // namespace dishwall
