// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/stream_play.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/streams/reassembler.h"
#include "tests/dataplane/stream_model.h"

namespace dishwall::test {
namespace {

constexpr std::uint64_t kBase = 1'000'000'000;  // of positions; sequence numbers are these plus the first one

class Script {
public:
    explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] bool done() const { return bytes_.empty(); }
    std::uint8_t next() {
        if (bytes_.empty()) return 0;
        const std::uint8_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return byte;
    }

private:
    std::span<const std::uint8_t> bytes_;
};

// Writes down what it takes, the way the model does.
class Recorder final : public ByteSink {
public:
    Taken take(Bytes bytes) override {
        taken.back().append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return Taken::go_on;
    }
    Taken end() override {
        ended = true;
        return Taken::go_on;
    }
    void restart() override {
        taken.emplace_back();
        ended = false;
    }

    std::vector<std::string> taken{""};
    bool ended = false;
};

// Of two copies of a byte that waits behind a gap it takes the first or the last.
class Receiver {
public:
    Receiver(std::uint64_t next, bool last_wins) : next_(next), last_wins_(last_wins) {}
    void get(std::uint64_t begin, std::string_view payload) {
        for (std::size_t i = 0; i < payload.size(); ++i)
            if (begin + i >= next_) {
                const auto [at, is_new] = waiting_.try_emplace(begin + i, payload[i]);
                if (!is_new && last_wins_) at->second = payload[i];
            }
        for (auto at = waiting_.begin(); at != waiting_.end() && at->first == next_;
             at = waiting_.erase(at)) {
            read_ += at->second;
            ++next_;
        }
    }
    [[nodiscard]] std::uint64_t next() const { return next_; }
    [[nodiscard]] const std::string& read() const { return read_; }

private:
    std::uint64_t next_;
    bool last_wins_;
    std::map<std::uint64_t, char> waiting_;
    std::string read_;
};

class Play {
public:
    explicit Play(std::span<const std::uint8_t> bytes) : script_(bytes) {
        constexpr std::uint64_t kScales[] = {1, 3, 29, 211};
        const std::uint8_t mode = script_.next();
        scale_ = kScales[mode & 3];
        syn_ = mode & 4;
        knows_start_ = mode & 8;
        honest_ = mode & 16;
        // Near the wrap, or anywhere.
        first_sequence_ = (mode & 32 ? 0xffffff00U : 0x01020304U) + script_.next();
        const std::uint8_t sizes = script_.next();
        limits_ = {(8 + 8 * std::uint64_t{sizes & 15U}) * scale_,
                   (8 + 8 * std::uint64_t{sizes >> 4 & 15U}) * scale_, std::size_t{8} << 20};
        memory_ = std::make_unique<StreamMemory>(limits_);
        reassembler_ = std::make_unique<Reassembler>(*memory_, recorder_);
        model_ = std::make_unique<StreamModel>(limits_);
        receiver_ = std::make_unique<Receiver>(kBase, mode & 64);
        if (syn_) deliver(kBase, "", true, false, true);
        if (!syn_ && knows_start_) acknowledge(kBase);
    }

    Played run() {
        constexpr unsigned kMostSteps = 400;
        for (unsigned step = 0; step < kMostSteps && !script_.done() && played_.wrong.empty(); ++step) act();
        played_.read = receiver_->read().size();
        return std::move(played_);
    }

private:
    void act() {
        const std::uint8_t what = script_.next();
        if ((what & 7) == 0) return acknowledge(acknowledged_position());
        const std::uint64_t near = (what & 8 ? receiver_->next() : std::max(model_->next(), kBase));
        const std::int64_t shift = (static_cast<std::int64_t>(script_.next() & 31) - 16) *
                                   static_cast<std::int64_t>(scale_) / (what & 16 ? 1 : 4);
        const std::uint64_t begin =
            (what & 7) < 4 ? near : std::max(near + static_cast<std::uint64_t>(shift), kBase - 4 * scale_);
        const std::uint8_t shape = script_.next();
        const std::string payload = bytes_at(begin, (shape & 31) * scale_, what & 32 ? shape : 0);
        const bool fin = (shape & 0xe0) == 0xe0;
        deliver(begin, payload, false, fin, !(what & 64));
    }

    // Honest: what the receiver says. Otherwise anything near, which the model has to follow all the same.
    std::uint64_t acknowledged_position() {
        if (honest_) return receiver_->next();
        return receiver_->next() + (script_.next() & 31) * scale_ - 8 * scale_;
    }

    // One byte for each position, and now and then another.
    static std::string bytes_at(std::uint64_t begin, std::size_t count, std::uint8_t other) {
        std::string bytes;
        for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>('a' + (begin + i) % 23);
        if (other && !bytes.empty()) bytes[other % bytes.size()] ^= 1;
        return bytes;
    }

    std::uint32_t sequence_of(std::uint64_t position) const {
        return first_sequence_ + static_cast<std::uint32_t>(position - kBase);
    }

    void acknowledge(std::uint64_t position) {
        reassembler_->acknowledged(sequence_of(position));
        model_->acknowledged(position);
    }

    void deliver(std::uint64_t begin, const std::string& payload, bool syn, bool fin, bool arrives) {
        ++played_.segments;
        // A copy of exactly this size, so that reading past it is seen by the sanitizer.
        const std::vector<std::uint8_t> exact(payload.begin(), payload.end());
        const StreamAnswer got =
            reassembler_->segment({sequence_of(begin) - syn, exact, syn, fin, false, false});
        const StreamAnswer expected = model_->segment(begin, payload, syn, fin);
        played_.dropped += got.decision == Decision::drop;
        played_.conflicts += got.event == StreamEvent::conflict;
        played_.gaps += got.event == StreamEvent::gap;
        if (!(got == expected))
            return complain("{} bytes at {}: {} {}, the model says {} {}", payload.size(), begin - kBase,
                            static_cast<int>(got.decision), name_of(got.event),
                            static_cast<int>(expected.decision), name_of(expected.event));
        if (!took_the_same())
            return complain("strings {} and {}, the last of {} and {} bytes", recorder_.taken.size(),
                            model_->taken().size(), recorder_.taken.back().size(),
                            model_->taken().back().size());
        if (recorder_.ended != model_->ended() || reassembler_->ended() != model_->ended())
            return complain("they differ about the end");
        if (got.decision == Decision::forward && arrives) receiver_->get(begin, payload);
        check_receiver();
    }

    // Compares what was added since the last time.
    bool took_the_same() {
        const std::string& ours = recorder_.taken.back();
        const std::string& theirs = model_->taken().back();
        if (recorder_.taken.size() != model_->taken().size() || ours.size() != theirs.size()) return false;
        if (strings_ != recorder_.taken.size()) compared_ = 0;
        strings_ = recorder_.taken.size();
        const bool same = ours.compare(compared_, std::string::npos, theirs, compared_) == 0;
        compared_ = ours.size();
        return same;
    }

    // Where nothing was skipped, the sink has taken all that the receiver can read. Picked up in the middle,
    // that is so from the place on where the stream was picked up.
    void check_receiver() {
        if (!honest_) return;
        const std::string& taken = recorder_.taken.back();
        const std::uint64_t first = model_->next() - taken.size();  // of `taken`
        const std::uint64_t end = receiver_->next();
        if (end == kBase) return;
        if (end > model_->next()) return complain("the receiver reads what was not taken");
        const std::uint64_t from = std::max({first, kBase, checked_});
        if (from < end &&
            receiver_->read().compare(from - kBase, end - from, taken, from - first, end - from) != 0)
            return complain("the receiver reads something else");
        checked_ = end;
        if (recorder_.taken.size() == 1 && first > kBase) return complain("the receiver reads more");
    }

    template <typename... Args>
    void complain(fmt::format_string<Args...> format, Args&&... args) {
        if (played_.wrong.empty())
            played_.wrong = fmt::format("segment {}: ", played_.segments) +
                            fmt::format(format, std::forward<Args>(args)...);
    }

    Script script_;
    std::size_t strings_ = 0, compared_ = 0;
    std::uint64_t scale_ = 1;
    bool syn_ = false, knows_start_ = false, honest_ = false;
    std::uint32_t first_sequence_ = 0;
    StreamLimits limits_;
    Recorder recorder_;
    std::unique_ptr<StreamMemory> memory_;
    std::unique_ptr<Reassembler> reassembler_;
    std::unique_ptr<StreamModel> model_;
    std::unique_ptr<Receiver> receiver_;
    std::uint64_t checked_ = 0;
    Played played_;
};

}  // namespace

Played play_streams(std::span<const std::uint8_t> script) { return Play(script).run(); }

}  // namespace dishwall::test
