// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/searches.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "dataplane/port/port.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kMegabytes = 3 * Port::kMegabytes;  // a pair of rings and an interface, and some to spare
constexpr CorpusSize kPlantedSize{.flows = 96, .at_a_time = 16, .bytes = 8192};

struct Signed {
    std::string name;
    std::vector<Pattern> patterns;  // to be planted; empty: they were not drawn
    SignatureSetPtr set;
};

Result<Signed> load(std::string name, std::vector<Pattern> patterns, const std::string& text,
                    const SignatureCache& cache) {
    auto loaded = load_signatures(name, name, text, &cache);
    if (!loaded) return tl::unexpected(loaded.error());
    return Signed{std::move(name), std::move(patterns), std::move(loaded->set)};
}

class Session {
public:
    Session(const SearchOptions& options, Eal eal) : options_(options), eal_(std::move(eal)) {}

    Result<std::vector<SearchResult>> measure() {
        std::vector<SearchResult> results;
        const auto add = [&](Result<Signed> signatures) -> Result<void> {
            if (!signatures) return tl::unexpected(signatures.error());
            for (const Content content : {Content::requests, Content::pages, Content::noise})
                results.push_back(contest(content, *signatures));
            return {};
        };
        const SignatureCache cache(options_.cache);
        Result<void> done;
        if (!options_.web_signatures.empty()) {
            std::stringstream text;
            text << std::ifstream(options_.web_signatures).rdbuf();
            done = add(load("web.hs", {}, text.str(), cache));
        }
        for (const unsigned count : options_.patterns) {
            if (!done) break;
            std::vector<Pattern> patterns = make_patterns(count);
            const std::string text = signature_file(patterns);
            done = add(load(fmt::format("{}", count), std::move(patterns), text, cache));
        }
        if (!done) return tl::unexpected(done.error());
        return results;
    }

private:
    SearchResult contest(Content content, const Signed& signatures) {
        SearchResult result;
        result.content = name_of(content);
        result.signatures = signatures.name;
        result.patterns = signatures.set->patterns();
        Result<void> done;
        if (!signatures.patterns.empty())
            done = find_what_is_planted(Corpus::make(content, kPlantedSize, signatures.patterns), signatures);
        if (done) done = take_turns(Corpus::make(content, options_.size), signatures, &result);
        if (!done) result.failure = done.error().message;
        return result;
    }

    using Everybody = std::vector<SearcherPtr>;

    Result<Everybody> everybody_on(Connections& connections, const Signed& signatures) {
        Everybody everybody;
        for (unsigned who = 0; who < kContenders; ++who) {
            auto made = make(static_cast<Who>(who), connections, signatures);
            if (!made) return fail_with(made.error(), kContenderIds[who]);
            everybody.push_back(std::move(*made));
        }
        return everybody;
    }

    Result<SearcherPtr> make(Who who, Connections& connections, const Signed& signatures) {
        switch (who) {
            case kStreams:
                return raw_search(connections.corpus(), signatures.set, Raw::streams);
            case kBlocks:
                return raw_search(connections.corpus(), signatures.set, Raw::blocks);
            case kEngine:
                return engine_search(connections, signatures.set);
            case kRings:
                return ring_search(eal_, connections, signatures.set, options_.cpus);
            default:
                return veth_search(eal_, connections, signatures.set, options_.cpus);
        }
    }

    // All but who looks at each segment alone: halves of signatures are in two.
    Result<void> find_what_is_planted(const Corpus& corpus, const Signed& signatures) {
        auto connections = Connections::open(corpus);
        if (!connections) return tl::unexpected(connections.error());
        auto everybody = everybody_on(**connections, signatures);
        if (!everybody) return tl::unexpected(everybody.error());
        for (unsigned who = 0; who < kContenders; ++who)
            if (who != kBlocks)
                if (auto found = finds_what_is_planted(corpus, *(*everybody)[who]); !found)
                    return fail_with(found.error(), kContenderIds[who]);
        return {};
    }

    static Result<void> finds_what_is_planted(const Corpus& corpus, Searcher& searcher) {
        auto lap = searcher.lap();
        if (!lap) return tl::unexpected(lap.error());
        for (std::size_t flow = 0; flow < corpus.flows(); ++flow)
            if (lap->found[flow] != corpus.planted()[flow])
                return fail("finds signature {} in connection {}, which holds {}", lap->found[flow], flow,
                            corpus.planted()[flow]);
        return {};
    }

    // A B C ..., and the other way round.
    Result<void> take_turns(const Corpus& corpus, const Signed& signatures, SearchResult* result) {
        result->segments = corpus.chunks().size();
        result->bytes = corpus.bytes();
        auto connections = Connections::open(corpus);
        if (!connections) return tl::unexpected(connections.error());
        auto everybody = everybody_on(**connections, signatures);
        if (!everybody) return tl::unexpected(everybody.error());
        for (unsigned repeat = 0; repeat < options_.repeats; ++repeat)
            for (unsigned turn = 0; turn < kContenders; ++turn) {
                const unsigned who = repeat % 2 == 0 ? turn : kContenders - 1 - turn;
                Result<double> gbit = 0;
                // Twice: the first time what the others left in the caches is in the way.
                for (int lap = 0; gbit && lap < 2; ++lap) gbit = lap_of(corpus, *(*everybody)[who]);
                if (!gbit) return fail_with(gbit.error(), kContenderIds[who]);
                result->gbit[who].push_back(*gbit);
            }
        return {};
    }

    static Result<double> lap_of(const Corpus& corpus, Searcher& searcher) {
        auto lap = searcher.lap();
        if (!lap) return tl::unexpected(lap.error());
        for (std::size_t flow = 0; flow < corpus.flows(); ++flow)
            if (lap->found[flow] != 0)
                return fail("finds signature {} in connection {}", lap->found[flow], flow);
        if (lap->searched != corpus.bytes())
            return fail("searched {} bytes of {}", lap->searched, corpus.bytes());
        if (lap->frames_back != corpus.chunks().size())
            return fail("{} frames of {} came back", lap->frames_back, corpus.chunks().size());
        return static_cast<double>(corpus.bytes()) * 8 / lap->ns;
    }

    const SearchOptions& options_;
    Eal eal_;
};

}  // namespace

double median_of(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double SearchResult::median(Who who) const { return median_of(gbit[who]); }

double SearchResult::share(Who who, Who of) const {
    std::vector<double> shares = gbit[who];
    for (std::size_t i = 0; i < shares.size(); ++i) shares[i] /= gbit[of][i];
    return median_of(std::move(shares));
}

Result<std::vector<SearchResult>> measure_searches(const SearchOptions& options) {
    const OnCpu here(options.cpus.searcher);
    auto eal = Eal::start(kMegabytes);
    if (!eal) return tl::unexpected(eal.error());
    return Session(options, std::move(*eal)).measure();
}

}  // namespace dishwall::bench
