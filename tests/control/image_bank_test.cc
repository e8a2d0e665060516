// SPDX-License-Identifier: BSD-3-Clause
//
// Images of several chunks, put in force, adopted, and half put in force: what the slots of `policy` hold,
// and what is pinned. No programs: they would take seconds to load, and look at nothing but these slots.
// Needs root.
#include "control/image_bank.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "control/policy_installer.h"

namespace dishwall {
namespace {

// Its lines say where they are.
CompiledImage image_of_chunks(std::uint32_t chunks) {
    const std::uint32_t lines = (chunks - 1) * DW_CHUNK_LINES + 10'000;
    CompiledImage compiled;
    compiled.image.resize(std::size_t{lines} * DW_LINE);
    for (std::uint64_t line = sizeof(dw_image) / DW_LINE; line < lines; ++line)
        std::memcpy(compiled.image.data() + line * DW_LINE, &line, sizeof line);
    reinterpret_cast<dw_image*>(compiled.image.data())->lines = lines;
    return compiled;
}

UniqueFd make_policy_map() {
    bpf_map_create_opts inner{}, outer{};
    inner.sz = outer.sz = sizeof inner;
    inner.map_flags = BPF_F_MMAPABLE;
    const UniqueFd like(bpf_map_create(BPF_MAP_TYPE_ARRAY, "like", 4, DW_CHUNK_SIZE, 1, &inner));
    outer.inner_map_fd = static_cast<__u32>(like.get());
    return UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "policy", 4, 4, DW_POLICY_SLOTS, &outer));
}

// A map goes some time after its last user.
bool is_gone_soon(std::uint32_t map_id) {
    for (int i = 0; i < 500; ++i) {
        if (!UniqueFd(bpf_map_get_fd_by_id(map_id)).is_open()) return true;
        ::usleep(10'000);
    }
    return false;
}

class Banks : public testing::Test {
protected:
    void SetUp() override {
        path_ = fmt::format("/sys/fs/bpf/dw-{}-banks", ::getpid());
        pins_.emplace(*PinDirectory::open(path_));
        maps_.policy = make_policy_map();
        ASSERT_TRUE(maps_.policy.is_open());
        installer_.emplace(*PolicyInstaller::open(maps_));
        ASSERT_TRUE(installer_->keep_pinned(*pins_));
    }
    void TearDown() override {
        installer_.reset();
        EXPECT_TRUE(unpin_maps(*pins_));
        pins_->remove_directory();
        EXPECT_FALSE(std::filesystem::exists(path_));
    }
    // As a daemon that was killed here, and the next one.
    void start_anew() {
        installer_.reset();
        installer_.emplace(*PolicyInstaller::adopt(maps_, *pinned_banks(*pins_), *pins_));
    }
    void install(std::uint32_t chunks) {
        const Result<std::uint32_t> installed = installer_->install(image_of_chunks(chunks));
        ASSERT_TRUE(installed) << installed.error().message;
    }
    [[nodiscard]] std::uint32_t slot(std::uint32_t key) const {
        return map_in_slot(maps_.policy.get(), key).value();
    }
    // "a0 a1 b0"
    [[nodiscard]] std::string pinned() const {
        std::string names;
        for (unsigned bank = 0; bank < DW_BANKS; ++bank)
            for (unsigned chunk = 0; chunk < DW_CHUNKS; ++chunk)
                if (std::filesystem::exists(path_ + "/" + chunk_name(bank, chunk)))
                    names += fmt::format("{}{}{}", names.empty() ? "" : " ", "ab"[bank], chunk);
        return names;
    }
    // What the programs find: each of the image's chunks in its slot, with its own lines.
    void expect_whole(unsigned bank, std::uint32_t chunks) const {
        EXPECT_EQ(installer_->in_force()->bank, bank);
        EXPECT_EQ(slot(DW_POLICY_IN_FORCE), slot(DW_POLICY_CHUNK(bank, 0)));
        for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
            const UniqueFd map(bpf_map_get_fd_by_id(slot(DW_POLICY_CHUNK(bank, chunk))));
            const auto lines = *Mapping::of(map.get(), DW_CHUNK_SIZE, Mapping::Access::read);
            EXPECT_EQ(lines.as<const dw_line>()[9999].word[0], chunk * DW_CHUNK_LINES + 9999);
        }
    }

    std::string path_;
    std::optional<PinDirectory> pins_;
    KernelMaps maps_;
    std::optional<PolicyInstaller> installer_;
};

TEST_F(Banks, GrowAndShrinkWithThePolicy) {
    install(3);
    EXPECT_EQ(pinned(), "a0 a1 a2");
    expect_whole(0, 3);
    const std::uint32_t third = slot(DW_POLICY_CHUNK(0, 2));
    install(2);  // the other bank; of the first one stays what such a policy needs
    EXPECT_EQ(pinned(), "a0 a1 b0 b1");
    expect_whole(1, 2);
    EXPECT_TRUE(is_gone_soon(third)) << "its 4 MiB are still held";
    install(1);
    EXPECT_EQ(pinned(), "a0 b0");
    EXPECT_EQ(installer_->chunks(), 2u);
    expect_whole(0, 1);
    install(DW_CHUNKS);
    EXPECT_EQ(installer_->chunks(), 1u + DW_CHUNKS);
    expect_whole(1, DW_CHUNKS);
    EXPECT_EQ(installer_->generation(), 4u);
}

TEST_F(Banks, TheNextDaemonGoesOnWithBoth) {
    install(1);
    install(3);
    install(2);
    const std::uint32_t in_force = slot(DW_POLICY_IN_FORCE);
    start_anew();
    EXPECT_EQ(installer_->generation(), 3u);
    EXPECT_EQ(installer_->chunks(), 4u);
    EXPECT_EQ(slot(DW_POLICY_IN_FORCE), in_force);
    expect_whole(0, 2);
    install(3);
    expect_whole(1, 3);
    EXPECT_EQ(pinned(), "a0 a1 b0 b1 b2");
}

// Killed between any two steps of a growth: the policy in force is whole, and what was made is room.
TEST_F(Banks, ACrashOnTheWayLeavesNothingMixed) {
    install(1);
    install(1);
    for (std::uint32_t put = 0; put <= 3; ++put) {
        {
            ImageBank half_grown = *ImageBank::pinned(*pins_, put % 2);
            ASSERT_TRUE(half_grown.grow(3, &*pins_));
            half_grown.fill(image_of_chunks(2).image);
            for (std::uint32_t chunk = 0; chunk < put; ++chunk) {
                const std::uint32_t key = DW_POLICY_CHUNK(put % 2, chunk);
                const int fd = half_grown.fd(chunk);
                ASSERT_EQ(bpf_map_update_elem(maps_.policy.get(), &key, &fd, BPF_ANY), 0);
            }
        }
        start_anew();
        EXPECT_EQ(installer_->generation(), 2u + put);
        expect_whole(1 - put % 2, 1);
        install(put == 3 ? 3 : 1);
    }
    expect_whole(1, 3);
    EXPECT_EQ(pinned(), "a0 b0 b1 b2");
}

TEST_F(Banks, WithoutRoomThePolicyBeforeStays) {
    install(2);
    std::filesystem::create_directory(path_ + "/image_b_2");  // nothing can be pinned there
    const Result<std::uint32_t> refused = installer_->install(image_of_chunks(4));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "the policy needs 4 chunks of 4 MiB, and after 2 of them: cannot pin " + path_ +
                  "/image_b_2: Is a directory");
    EXPECT_EQ(installer_->generation(), 1u);
    expect_whole(0, 2);
    EXPECT_EQ(installer_->chunks(), 4u);
    ::rmdir((path_ + "/image_b_2").c_str());
    install(4);
    expect_whole(1, 4);
}

TEST_F(Banks, AMapOfAnotherSizeIsNoChunk) {
    const UniqueFd stranger(bpf_map_create(BPF_MAP_TYPE_ARRAY, "stranger", 4, 8, 7, nullptr));
    ASSERT_TRUE(pins_->put("image_b_0", stranger.get()));
    EXPECT_EQ(pinned_banks(*pins_).error().message, "a policy map has 7 values of 8 bytes");
}

}  // namespace
}  // namespace dishwall
