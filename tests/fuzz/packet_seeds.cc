// SPDX-License-Identifier: BSD-3-Clause
//
// Writes the seeds of the packet fuzzer: the table of vectors (tests/core/vectors.h), each as a script. To be
// run by hand when the vectors or the form of scripts change; libFuzzer then picks those that add something:
//
//   packet_seeds DIRECTORY && fuzz_packet -merge=1 tests/fuzz/corpus/fuzz_packet DIRECTORY
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/fuzz/packet_script.h"

int main(int argc, char** argv) {
    using namespace dishwall::test;
    constexpr std::size_t kLargest = 1500;  // a longer story repeats itself
    if (argc != 2) {
        fmt::print(stderr, "usage: packet_seeds DIRECTORY\n");
        return 2;
    }
    std::set<Bytes> written;
    for (const Vector& vector : vectors()) {
        const Bytes script = write_script(vector);
        if (script.empty() || script.size() > kLargest || !written.insert(script).second) continue;
        const auto path =
            std::filesystem::path(argv[1]) / fmt::format("{}-{}", vector.requirement, written.size());
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(script.data()), static_cast<std::streamsize>(script.size()));
        if (!file.flush()) {
            fmt::print(stderr, "cannot write {}\n", path.string());
            return 1;
        }
    }
    fmt::print("{} seeds\n", written.size());
    return 0;
}
