// SPDX-License-Identifier: BSD-3-Clause
//
// A table that fits the terminal, by libsmartcols: columns that may shrink do, until the rest fits. Without a
// terminal nothing is cut, since a program or a pager reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct libscols_table;

namespace dishwall {

// How to show things.
struct View {
    unsigned width = 0;  // of the terminal; 0: there is none
    bool color = false;
    std::int64_t now = 0;  // unix seconds
};

class Table {
public:
    // lines: a cell may hold several, apart by '\n'. wraps: what does not fit goes on in the next line.
    enum class Kind { fixed, right, shrinks, lines, wraps };
    struct Column {
        const char* title;
        Kind kind = Kind::fixed;
    };
    struct Cell {
        std::string text;
        const char* color = nullptr;  // a name that libsmartcols knows: "red"
        Cell(std::string words, const char* paint = nullptr) : text(std::move(words)), color(paint) {}
        Cell(const char* words) : text(words) {}
    };

    Table(const View& view, const std::vector<Column>& columns);

    void add(const std::vector<Cell>& cells);
    [[nodiscard]] std::string text() const;  // lines; only the titles if there is no row

private:
    struct Unref {
        void operator()(libscols_table* table) const;
    };
    std::unique_ptr<libscols_table, Unref> table_;
};

}  // namespace dishwall
