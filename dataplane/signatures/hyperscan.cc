// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/hyperscan.h"

#include <hs.h>

namespace dishwall {

void FreeDatabase::operator()(hs_database* database) const { hs_free_database(database); }
void FreeScratch::operator()(hs_scratch* scratch) const { hs_free_scratch(scratch); }
void CloseStream::operator()(hs_stream* stream) const { hs_close_stream(stream, nullptr, nullptr, nullptr); }

const char* hyperscan_error(int code) {
    switch (code) {
        case HS_SUCCESS:
            return "no error";
        case HS_INVALID:
            return "invalid argument";
        case HS_NOMEM:
            return "out of memory";
        case HS_SCAN_TERMINATED:
            return "the scan was ended";
        case HS_COMPILER_ERROR:
            return "the compiler failed";
        case HS_DB_VERSION_ERROR:
            return "the database was made by another version";
        case HS_DB_PLATFORM_ERROR:
            return "the database was made for another processor";
        case HS_DB_MODE_ERROR:
            return "the database is of another mode";
        case HS_BAD_ALIGN:
            return "wrong alignment";
        case HS_BAD_ALLOC:
            return "the allocator returned misaligned memory";
        case HS_SCRATCH_IN_USE:
            return "the scratch memory is in use";
        case HS_ARCH_ERROR:
            return "this processor lacks SSSE3";
        case HS_INSUFFICIENT_SPACE:
            return "not enough space";
        default:
            return "unexpected error";
    }
}

}  // namespace dishwall
