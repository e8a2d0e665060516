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

// One that needs so many chunks. Its lines say where they are.
CompiledImage image_of_chunks(std::uint32_t chunks) {
    CompiledImage compiled = image_of(policy_with("accept tcp 443 to nas name web\n"));
    const std::uint32_t lines = (chunks - 1) * DW_CHUNK_LINES + 10'000;
    const std::size_t used = compiled.image.size() / DW_LINE;
    compiled.image.resize(std::size_t{lines} * DW_LINE);
    reinterpret_cast<dw_image*>(compiled.image.data())->lines = lines;
    for (std::size_t line = used; line < lines; ++line)
        reinterpret_cast<dw_line*>(compiled.image.data())[line].word[7] = line;
    return compiled;
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
    void install(std::uint32_t chunks) {
        const Result<std::uint32_t> installed = datapath_->policy().install(image_of_chunks(chunks));
        ASSERT_TRUE(installed) << installed.error().message;
    }
    [[nodiscard]] std::uint32_t slot(std::uint32_t key) const {
        return map_in_slot(datapath_->maps().policy.get(), key).value();
    }
    // "a0 a1 b0"
    [[nodiscard]] std::string pinned_chunks() const {
        std::string names;
        for (unsigned bank = 0; bank < DW_BANKS; ++bank)
            for (unsigned chunk = 0; chunk < DW_CHUNKS; ++chunk)
                if (std::filesystem::exists(path_ + "/" + chunk_name(bank, chunk)))
                    names += fmt::format("{}{}{}", names.empty() ? "" : " ", static_cast<char>('a' + bank), chunk);
        return names;
    }
    // What the programs find: each of the image's chunks in its slot, with its own lines.
    void expect_whole(unsigned bank, std::uint32_t chunks) const {
        const dw_image* header = datapath_->policy().in_force();
        EXPECT_EQ(header->bank, bank);
        EXPECT_EQ(slot(DW_POLICY_IN_FORCE), slot(DW_POLICY_CHUNK(bank, 0)));
        for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
            const UniqueFd map(bpf_map_get_fd_by_id(slot(DW_POLICY_CHUNK(bank, chunk))));
            const auto lines = *Mapping::of(map.get(), DW_CHUNK_SIZE, Mapping::Access::read);
            EXPECT_EQ(lines.as<const dw_line>()[9999].word[7], chunk * DW_CHUNK_LINES + 9999);
        }
    }

    std::string path_;
    std::optional<PinDirectory> pins_;
    std::optional<Datapath> datapath_;
};

// A map goes some time after its last user.
bool is_gone_soon(std::uint32_t map_id) {
    for (int i = 0; i < 200; ++i) {
        if (!UniqueFd(bpf_map_get_fd_by_id(map_id)).is_open()) return true;
        ::usleep(10'000);
    }
    return false;
}

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

TEST_F(Installer, BanksGrowAndShrinkWithThePolicy) {
    ASSERT_TRUE(datapath_->pin(*pins_));
    install(3);
    EXPECT_EQ(pinned_chunks(), "a0 a1 a2");
    expect_whole(0, 3);
    const std::uint32_t third = slot(DW_POLICY_CHUNK(0, 2));
    install(2);  // the other bank; of the first one stays what such a policy needs
    EXPECT_EQ(pinned_chunks(), "a0 a1 b0 b1");
    expect_whole(1, 2);
    EXPECT_TRUE(is_gone_soon(third)) << "its 4 MiB are still held";
    install(1);
    EXPECT_EQ(pinned_chunks(), "a0 b0");
    EXPECT_EQ(datapath_->policy().chunks(), 2u);
    expect_whole(0, 1);
    install(DW_CHUNKS);
    EXPECT_EQ(datapath_->policy().chunks(), 1u + DW_CHUNKS);
    expect_whole(1, DW_CHUNKS);
    EXPECT_EQ(datapath_->policy().generation(), 4u);
}

TEST_F(Installer, AnAdoptingDaemonGoesOnWithBothBanks) {
    install(1);
    install(3);
    ASSERT_TRUE(datapath_->pin(*pins_));
    install(2);
    const std::uint32_t in_force = slot(DW_POLICY_IN_FORCE);
    open();
    ASSERT_TRUE(datapath_->adopted());
    EXPECT_EQ(datapath_->policy().generation(), 3u);
    EXPECT_EQ(datapath_->policy().chunks(), 4u);
    EXPECT_EQ(slot(DW_POLICY_IN_FORCE), in_force);
    expect_whole(0, 2);
    install(3);
    expect_whole(1, 3);
    EXPECT_EQ(pinned_chunks(), "a0 a1 b0 b1 b2");
}

// kill -9 after each step of a growth: the next daemon finds the policy in force, and room that it uses.
TEST_F(Installer, ACrashWhileABankGrowsLeavesNothingMixed) {
    install(1);
    install(1);
    ASSERT_TRUE(datapath_->pin(*pins_));
    {
        ImageBank half_grown = *ImageBank::pinned(*pins_, 0);
        ASSERT_TRUE(half_grown.grow(3, &*pins_));
        const std::uint32_t key = DW_POLICY_CHUNK(0, 1);
        const int fd = half_grown.fd(1);
        ASSERT_EQ(bpf_map_update_elem(datapath_->maps().policy.get(), &key, &fd, BPF_ANY), 0);
        half_grown.fill(image_of_chunks(2).image);
    }
    open();
    ASSERT_TRUE(datapath_->adopted());
    EXPECT_EQ(datapath_->policy().generation(), 2u);
    expect_whole(1, 1);
    install(2);
    expect_whole(0, 2);
    EXPECT_EQ(pinned_chunks(), "a0 a1 b0");
    EXPECT_EQ(datapath_->policy().generation(), 3u);
}

TEST_F(Installer, WithoutRoomThePolicyBeforeStays) {
    ASSERT_TRUE(datapath_->pin(*pins_));
    install(2);
    std::filesystem::create_directory(path_ + "/image_b_2");  // nothing can be pinned there
    const Result<std::uint32_t> refused = datapath_->policy().install(image_of_chunks(4));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "the policy needs 4 chunks of 4 MiB, and after 2 of them: cannot pin " + path_ +
                  "/image_b_2: Is a directory");
    EXPECT_EQ(datapath_->policy().generation(), 1u);
    expect_whole(0, 2);
    EXPECT_EQ(datapath_->policy().chunks(), 4u);
    ::rmdir((path_ + "/image_b_2").c_str());
    install(4);
    expect_whole(1, 4);
}

TEST_F(Installer, PinsWithoutThePolicyInForceAreNotAdopted) {
    install(1);
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
    for (const std::size_t size : {std::size_t{DW_IMAGE_SIZE} + DW_LINE, sizeof(dw_image) + 1, std::size_t{0}}) {
        const Result<std::uint32_t> refused =
            datapath_->policy().install({std::vector<std::byte>(size), ImageFacts{}});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message,
                  fmt::format("a policy of {} bytes; it has to be whole lines of 64, and the limit is {}", size,
                              DW_IMAGE_SIZE));
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

}  // namespace
}  // namespace dishwall
