// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/corpus.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/inspect/words.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kTrain = 4;  // segments of a stream in a row, as a sender's window lets go of them
constexpr unsigned kPlantEvery = 3;

using Words = Dice&;

std::string sentence(Words dice, std::uint64_t words) {
    std::string text;
    for (; words > 0; --words) fmt::format_to(std::back_inserter(text), "{} ", dice.one_of(kWords));
    return text;
}

std::string path(Words dice) {
    std::string text;
    for (std::uint64_t parts = dice.between(1, 4); parts > 0; --parts)
        fmt::format_to(std::back_inserter(text), "/{}", dice.one_of(kWords));
    return fmt::format("{}/{}{}.{}", text, dice.one_of(kWords), dice.below(100),
                       dice.below(2) ? "html" : "php");
}

std::string form(Words dice) {
    std::string text;
    for (std::uint64_t parts = dice.between(1, 6); parts > 0; --parts)
        fmt::format_to(std::back_inserter(text), "{}{}={:x}", text.empty() ? "" : "&", dice.one_of(kWords),
                       dice.below(1 << 24));
    return text;
}

std::string request(Words dice) {
    const bool posts = dice.below(5) == 0;
    const std::string body = posts ? form(dice) : "";
    std::string text = fmt::format(
        "{} {}?{} HTTP/1.1\r\nHost: www.{}-{}.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; "
        "rv:{}.0) "
        "Gecko/20100101 Firefox/{}.0\r\nAccept: "
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: "
        "https://www.{}.example{}\r\nCookie: {}_{:08x}={:016x}{:016x}; {}={:x}\r\nConnection: keep-alive\r\n",
        posts ? "POST" : "GET", path(dice), form(dice), dice.one_of(kWords), dice.one_of(kWords),
        dice.between(90, 140), dice.between(90, 140), dice.one_of(kWords), path(dice), dice.one_of(kWords),
        dice.below(1ull << 32), dice.roll(), dice.roll(), dice.one_of(kWords), dice.below(1 << 30));
    if (posts)
        fmt::format_to(std::back_inserter(text),
                       "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                       body.size());
    return text + "\r\n" + body;
}

std::string element(Words dice) {
    switch (dice.below(4)) {
        case 0:
            return fmt::format("<a href=\"{}\" class=\"{}-{}\">{}</a>\n", path(dice), dice.one_of(kWords),
                               dice.one_of(kWords), sentence(dice, 3));
        case 1:
            return fmt::format("<div id=\"{}{}\"><img src=\"/{}/{}.png\" alt=\"{}\"></div>\n",
                               dice.one_of(kWords), dice.below(1000), dice.one_of(kWords),
                               dice.one_of(kWords), sentence(dice, 2));
        case 2:
            return fmt::format("<li data-{}=\"{:x}\">{}</li>\n", dice.one_of(kWords), dice.below(1 << 30),
                               sentence(dice, dice.between(2, 10)));
        default:
            return fmt::format("<p>{}</p>\n", sentence(dice, dice.between(10, 60)));
    }
}

std::string noise(Dice& dice, std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(dice.roll());
    return bytes;
}

// The next thing that a sender says, to be cut into full segments, or sent as it is when it fits in one.
std::string next_of(Content content, Dice& dice) {
    if (content == Content::requests) return request(dice);
    return content == Content::pages ? element(dice) : noise(dice, kSegment);
}

// One stream; a request begins a segment.
std::string make_stream(Content content, std::size_t about, std::uint32_t flow, Dice& dice,
                        std::vector<Chunk>* chunks) {
    std::string stream;
    const auto cut = [&](std::size_t end) {
        const auto at =
            static_cast<std::uint32_t>(chunks->empty() ? 0 : chunks->back().at + chunks->back().size);
        chunks->push_back({flow, at, static_cast<std::uint32_t>(end - at), false});
    };
    const auto left = [&] {
        return stream.size() - (chunks->empty() ? 0 : chunks->back().at + chunks->back().size);
    };
    while (stream.size() < about) {
        stream += next_of(content, dice);
        while (left() >= kSegment) cut(stream.size() - left() + kSegment);
        if (content == Content::requests && left() > 0) cut(stream.size());
    }
    if (left() > 0) cut(stream.size());
    chunks->back().is_last = true;
    return stream;
}

}  // namespace

const char* name_of(Content content) {
    constexpr const char* kNames[] = {"requests", "pages", "random bytes"};
    return kNames[static_cast<int>(content)];
}

Corpus Corpus::make(Content content, const CorpusSize& size, const std::vector<Pattern>& planted) {
    Dice dice(kPatternSeed + 1 + static_cast<unsigned>(content));
    Corpus corpus;
    std::vector<std::vector<Chunk>> by_flow(size.flows);
    for (std::uint32_t flow = 0; flow < size.flows; ++flow) {
        corpus.streams_.push_back(make_stream(content, size.bytes, flow, dice, &by_flow[flow]));
        corpus.bytes_ += corpus.streams_.back().size();
    }
    corpus.planted_.resize(size.flows);
    corpus.put_in_order(size.at_a_time, by_flow);
    if (!planted.empty()) corpus.plant(planted);
    return corpus;
}

// Written over what stands there, half of it before the end of the stream's first segment.
void Corpus::plant(const std::vector<Pattern>& patterns) {
    for (const Chunk& chunk : chunks_) {
        if (chunk.at != 0 || chunk.flow % kPlantEvery != 0) continue;
        const Pattern& pattern = patterns[chunk.flow / kPlantEvery % patterns.size()];
        std::string& stream = streams_[chunk.flow];
        const std::size_t half = pattern.example.size() / 2;
        if (chunk.size < half || stream.size() < chunk.size + pattern.example.size()) continue;
        stream.replace(chunk.size - half, pattern.example.size(), pattern.example);
        planted_[chunk.flow] = pattern.id;
    }
}

// Trains of the streams that are open, in turns, until all have ended; then the next ones.
void Corpus::put_in_order(unsigned at_a_time, const std::vector<std::vector<Chunk>>& by_flow) {
    for (std::size_t first = 0; first < by_flow.size(); first += at_a_time) {
        const std::size_t end = std::min(by_flow.size(), first + at_a_time);
        bool is_any_left = true;
        for (std::size_t at = 0; is_any_left; at += kTrain) {
            is_any_left = false;
            for (std::size_t flow = first; flow < end; ++flow)
                for (std::size_t i = at; i < std::min(at + kTrain, by_flow[flow].size()); ++i) {
                    chunks_.push_back(by_flow[flow][i]);
                    is_any_left = true;
                }
        }
    }
}

}  // namespace dishwall::bench
