// SPDX-License-Identifier: BSD-3-Clause
#include "rules/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace dishwall {

Severity severity_of(Code code) {
    switch (code) {
#define DW_DIAGNOSTIC_SEVERITY(identifier, number, severity, title) \
    case Code::identifier:                                          \
        return Severity::severity;
        DW_DIAGNOSTICS(DW_DIAGNOSTIC_SEVERITY)
#undef DW_DIAGNOSTIC_SEVERITY
    }
    return Severity::error;
}

std::string_view title_of(Code code) {
    switch (code) {
#define DW_DIAGNOSTIC_TITLE(identifier, number, severity, title) \
    case Code::identifier:                                       \
        return (title);
        DW_DIAGNOSTICS(DW_DIAGNOSTIC_TITLE)
#undef DW_DIAGNOSTIC_TITLE
    }
    return {};
}

std::string to_string(Code code) {
    const char letter = severity_of(code) == Severity::error ? 'E' : 'W';
    return fmt::format("{}{:04}", letter, static_cast<unsigned>(code));
}

Diagnostic& Diagnostic::and_at(const Span& span, std::string text) {
    second = Label{span, std::move(text)};
    return *this;
}

Diagnostic& Diagnostic::with_help(std::string text) {
    help = std::move(text);
    return *this;
}

Diagnostic& Diagnostics::report(Code code, const Span& span, std::string label) {
    const bool is_error = severity_of(code) == Severity::error;
    std::size_t& count = is_error ? errors_ : warnings_;
    Diagnostic made{code, {span, std::move(label)}, std::nullopt, {}};
    if (gave_up_) return beyond_ = std::move(made);
    if (++count > kMost) {
        if (is_error && !first_beyond_) first_beyond_ = span;
        return beyond_ = std::move(made);
    }
    return all_.emplace_back(std::move(made));
}

Diagnostic& Diagnostics::report_last(Code code, const Span& span, std::string label) {
    Diagnostic& last = report(code, span, std::move(label));
    gave_up_ = true;
    return last;
}

std::vector<Diagnostic> Diagnostics::take() {
    const auto place = [](const Diagnostic& d) {
        return std::tuple(d.primary.span.file, d.primary.span.begin, d.primary.span.end);
    };
    std::stable_sort(all_.begin(), all_.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
    if (first_beyond_)
        all_.push_back({Code::too_many,
                        {*first_beyond_, fmt::format("error {} is here", kMost + 1)},
                        std::nullopt,
                        fmt::format("{}{} errors in all; mend the ones above first",
                                    errors_ >= kHopeless ? "at least " : "", errors_)});
    std::vector<Diagnostic> taken = std::move(all_);
    *this = {};
    return taken;
}

}  // namespace dishwall
