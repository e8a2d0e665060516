// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "bench/live/rows.h"

namespace dishwall::bench {
namespace {

struct Point {
    double rules, ns;
};

struct Line {
    std::string system;
    std::vector<Point> points;
};

constexpr double kWidth = 1040, kHeight = 520, kLeft = 70, kRight = 640, kTop = 56, kBottom = 460;
constexpr double kLeastNs = 1;  // what is cheaper is drawn there

// Told apart by colour and by the form of the points, for those who do not see colours. Each colour has a
// contrast of at least 3 to white and to GitHub's dark page.
struct Look {
    const char *colour, *mark;
};
constexpr std::array<Look, 10> kLooks = {{{"#d1242f", "circle"},
                                          {"#0969da", "square"},
                                          {"#8250df", "triangle"},
                                          {"#1a7f37", "diamond"},
                                          {"#bf5700", "square"},
                                          {"#0598bc", "triangle"},
                                          {"#bf3989", "diamond"},
                                          {"#7d7d16", "circle"},
                                          {"#57606a", "square"},
                                          {"#a0522d", "triangle"}}};

class Axis {
public:
    Axis(double least, double most, double from, double to)
        : least_(std::log10(least)), most_(std::log10(most)), from_(from), to_(to) {}

    [[nodiscard]] double at(double value) const {
        const double part = (std::log10(value) - least_) / (most_ - least_);
        return from_ + part * (to_ - from_);
    }
    // The powers of ten on it.
    [[nodiscard]] std::vector<double> ticks() const {
        std::vector<double> values;
        for (double power = std::ceil(least_ - 1e-9); power <= most_ + 1e-9; power += 1)
            values.push_back(std::pow(10, power));
        return values;
    }

private:
    double least_, most_, from_, to_;
};

std::string amount(double value) {
    if (value >= 1e6) return fmt::format("{:.0f}M", value / 1e6);
    return value >= 1000 ? fmt::format("{:.0f}k", value / 1000) : fmt::format("{:.0f}", value);
}

std::vector<Line> lines_of(const Report& report) {
    std::vector<Line> lines;
    for (const RowResult& row : report.rows) {
        const auto above = row.plotted ? report.above(row, row.floor) : std::nullopt;
        if (!above) continue;
        auto line = std::find_if(lines.begin(), lines.end(),
                                 [&](const Line& one) { return one.system == row.system; });
        if (line == lines.end()) line = lines.insert(lines.end(), {row.system, {}});
        line->points.push_back({static_cast<double>(row.rules), std::max(*above, kLeastNs)});
    }
    return lines;
}

std::string mark(const Look& look, double x, double y) {
    const std::string_view form = look.mark;
    if (form == "circle")
        return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x, y, look.colour);
    const auto polygon = [&](const char* points) {
        return fmt::format("<polygon transform=\"translate({:.1f} {:.1f})\" points=\"{}\" fill=\"{}\"/>\n", x,
                           y, points, look.colour);
    };
    if (form == "square") return polygon("-4,-4 4,-4 4,4 -4,4");
    return form == "triangle" ? polygon("0,-5 5,4 -5,4") : polygon("0,-6 5,0 0,6 -5,0");
}

std::string frame(const Axis& x, const Axis& y) {
    std::string svg;
    for (const double value : x.ticks())
        svg += fmt::format(
            "<path class=\"grid\" d=\"M{0:.1f} {1}V{2}\"/>\n<text x=\"{0:.1f}\" y=\"{3}\" "
            "text-anchor=\"middle\">{4}</text>\n",
            x.at(value), kTop, kBottom, kBottom + 20, amount(value));
    for (const double value : y.ticks())
        svg += fmt::format(
            "<path class=\"grid\" d=\"M{1} {0:.1f}H{2}\"/>\n<text x=\"{3}\" y=\"{4:.1f}\" "
            "text-anchor=\"end\">{5}</text>\n",
            y.at(value), kLeft, kRight, kLeft - 8, y.at(value) + 4, amount(value));
    return svg;
}

std::string drawn(const Line& line, const Look& look, const Axis& x, const Axis& y) {
    std::string path, marks;
    for (const Point& point : line.points) {
        path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x.at(point.rules), y.at(point.ns));
        marks += mark(look, x.at(point.rules), y.at(point.ns));
    }
    return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path,
                       look.colour) +
           marks;
}

// Names beside the ends of their lines, pushed apart.
std::string legend(const std::vector<Line>& lines, const Axis& x, const Axis& y) {
    std::vector<std::pair<double, std::size_t>> places;
    for (std::size_t n = 0; n < lines.size(); ++n) places.emplace_back(y.at(lines[n].points.back().ns), n);
    std::sort(places.begin(), places.end());
    std::string svg;
    double free = kTop;
    for (const auto& [wanted, n] : places) {
        const double at = std::max(wanted, free);
        free = at + 20;
        const Look& look = kLooks[n % kLooks.size()];
        svg += fmt::format(
            "<path d=\"M{:.1f} {:.1f}L{} {:.1f}\" stroke=\"{}\" stroke-width=\"1\" "
            "stroke-dasharray=\"2 3\"/>\n",
            x.at(lines[n].points.back().rules), wanted, kRight + 8, at, look.colour);
        svg += mark(look, kRight + 16, at);
        svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text>\n", kRight + 28, at + 4, lines[n].system);
    }
    return svg;
}

}  // namespace

std::string svg_plot(const Report& report) {
    const std::vector<Line> lines = lines_of(report);
    double most_rules = 1000, least_rules = 100, most_ns = 100;
    for (const Line& line : lines)
        for (const Point& point : line.points) {
            most_rules = std::max(most_rules, point.rules);
            least_rules = std::min(least_rules, point.rules);
            most_ns = std::max(most_ns, point.ns);
        }
    const Axis x(least_rules, most_rules, kLeft, kRight);
    const Axis y(kLeastNs, std::pow(10, std::ceil(std::log10(most_ns))), kBottom, kTop);
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
        "role=\"img\" aria-label=\"cost of refusing a packet over the number of rules\">\n"
        "<style>text{{font:13px sans-serif;fill:#24292f}}.title{{font-size:16px;font-weight:bold}}"
        ".grid{{stroke:#8c959f;stroke-width:.5}}"
        "@media(prefers-color-scheme:dark){{text{{fill:#e6edf3}}}}</style>\n"
        "<text class=\"title\" x=\"{2}\" y=\"24\">What refusing a packet costs above a bare XDP_DROP</text>\n"
        "<text x=\"{2}\" y=\"44\">ns per packet, one core, deny sweep over 2^24 hosts; {3}</text>\n",
        kWidth, kHeight, kLeft, report.machine.cpu);
    svg += frame(x, y);
    for (std::size_t n = 0; n < lines.size(); ++n) svg += drawn(lines[n], kLooks[n % kLooks.size()], x, y);
    svg += legend(lines, x, y);
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">services or rules in the policy</text>\n",
        (kLeft + kRight) / 2, kBottom + 44);
    return svg + "</svg>\n";
}

}  // namespace dishwall::bench
