// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/streams/stream_memory.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr std::size_t kSlabChunks = 64;

}  // namespace

bool StreamMemory::grow() {
    const std::size_t most = limits_.all_bytes / sizeof(Chunk);
    const std::size_t more = std::min(kSlabChunks, most - std::min(most, made_));
    if (more == 0) return false;
    slabs_.push_back(std::make_unique_for_overwrite<Chunk[]>(more));
    made_ += more;
    free_.reserve(made_);
    for (std::size_t i = more; i-- > 0;) free_.push_back(&slabs_.back()[i]);
    return true;
}

Chunk* StreamMemory::take(MemoryUser& asking) {
    touch(asking);
    while (free_.empty() && !grow()) {
        if (oldest_ == &asking) return nullptr;
        ++given_up_;
        oldest_->give_up();
    }
    Chunk* const chunk = free_.back();
    free_.pop_back();
    chunk->present.fill(0);
    return chunk;
}

void StreamMemory::touch(MemoryUser& user) {
    if (newest_ == &user) return;
    remove(user);
    user.older_ = newest_;
    (newest_ ? newest_->newer_ : oldest_) = &user;
    newest_ = &user;
    user.listed_ = true;
}

void StreamMemory::remove(MemoryUser& user) {
    if (!user.listed_) return;
    (user.older_ ? user.older_->newer_ : oldest_) = user.newer_;
    (user.newer_ ? user.newer_->older_ : newest_) = user.older_;
    user.older_ = user.newer_ = nullptr;
    user.listed_ = false;
}

}  // namespace dishwall
