// SPDX-License-Identifier: BSD-3-Clause
//
// One move-only owner for each of Hyperscan's objects, and its error codes as text. The types are only named
// here, so that who holds a set of signatures need not include <hs.h>. libvectorscan has the same API and
// names.
#pragma once

#include <memory>

struct hs_database;
struct hs_scratch;
struct hs_stream;

namespace dishwall {

struct FreeDatabase {
    void operator()(hs_database* database) const;
};
using Database = std::unique_ptr<hs_database, FreeDatabase>;

struct FreeScratch {
    void operator()(hs_scratch* scratch) const;
};
using ScratchMemory = std::unique_ptr<hs_scratch, FreeScratch>;

// Closed without reporting what would match at the end.
struct CloseStream {
    void operator()(hs_stream* stream) const;
};
using ScanStream = std::unique_ptr<hs_stream, CloseStream>;

// What a return value of an hs_ function means: "out of memory", "the database is of another version", ...
[[nodiscard]] const char* hyperscan_error(int code);

}  // namespace dishwall
