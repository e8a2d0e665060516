// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/table.h"

#include <libsmartcols.h>

#include <cstdlib>

namespace dishwall {
namespace {

int flags_of(Table::Kind kind) {
    switch (kind) {
        case Table::Kind::right:
            return SCOLS_FL_RIGHT;
        case Table::Kind::shrinks:
            return SCOLS_FL_TRUNC;
        case Table::Kind::lines:
        case Table::Kind::wraps:
            return SCOLS_FL_WRAP;
        case Table::Kind::fixed:
            break;
    }
    return 0;
}

}  // namespace

void Table::Unref::operator()(libscols_table* table) const { scols_unref_table(table); }

Table::Table(const View& view, const std::vector<Column>& columns) : table_(scols_new_table()) {
    scols_table_set_termforce(table_.get(), view.width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (view.width > 0) scols_table_set_termwidth(table_.get(), view.width);
    scols_table_enable_colors(table_.get(), view.color ? 1 : 0);
    for (const Column& column : columns) {
        libscols_column* made = scols_table_new_column(table_.get(), column.title, 0, flags_of(column.kind));
        if (made == nullptr || column.kind != Kind::lines) continue;
        scols_column_set_safechars(made, "\n");
        scols_column_set_wrapfunc(made, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, nullptr);
    }
}

void Table::add(const std::vector<Cell>& cells) {
    libscols_line* line = scols_table_new_line(table_.get(), nullptr);
    if (line == nullptr) return;
    for (std::size_t n = 0; n < cells.size(); ++n) {
        scols_line_set_data(line, n, cells[n].text.c_str());
        if (cells[n].color != nullptr) scols_cell_set_color(scols_line_get_cell(line, n), cells[n].color);
    }
}

std::string Table::text() const {
    char* made = nullptr;
    if (scols_print_table_to_string(table_.get(), &made) != 0 || made == nullptr) return {};
    std::string text(made);
    std::free(made);
    if (!text.empty() && text.back() != '\n') text.push_back('\n');
    return text;
}

}  // namespace dishwall
