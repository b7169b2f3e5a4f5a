// The table of deadlines beside a plain map: the earliest comes first, handles of what is gone match nothing.
#include "core/deadline_table.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "input.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using core::TimePoint;
using Table = core::DeadlineTable<unsigned>;

void run(std::string_view input) {
  Input script(input);
  Table table;
  std::vector<Table::Handle> handles;  // by value
  std::map<unsigned, TimePoint> model;
  auto const time = [&] { return TimePoint(core::Duration(script.number(0, 255))); };
  while (!script.empty()) {
    auto const value = static_cast<unsigned>(script.number(0, 255) % (handles.size() + 1));
    switch (script.number(0, 4)) {
      case 0:
      case 1: {
        auto const when = time();
        model.emplace(static_cast<unsigned>(handles.size()), when);
        handles.push_back(table.add(when, static_cast<unsigned>(handles.size())));
        break;
      }
      case 2: {
        auto const when = time();
        bool const moved = table.move(value < handles.size() ? handles[value] : Table::Handle{}, when);
        expect(moved == model.contains(value), "what is there can be moved");
        if (moved) model[value] = when;
        break;
      }
      case 3: {
        bool const removed = table.remove(value < handles.size() ? handles[value] : Table::Handle{});
        expect(removed == (model.erase(value) == 1), "what is there can be removed");
        break;
      }
      default: {
        auto const now = time();
        auto const due = table.pop_due(now);
        auto const earliest =
            std::ranges::min_element(model, {}, [](auto const& entry) { return entry.second; });
        bool const is_due = earliest != model.end() && earliest->second <= now;
        expect(due.has_value() == is_due, "what is due comes out");
        if (!due) break;
        expect(model.at(*due) == earliest->second, "the earliest first");
        model.erase(*due);
      }
    }
    expect(table.size() == model.size() && table.empty() == model.empty(), "as many entries");
    TimePoint first = TimePoint::max();
    for (auto const& [entry, when] : model) first = std::min(first, when);
    expect(table.next().value_or(TimePoint::max()) == first, "the next is the earliest");
  }
}

Registration const registration("deadline_table", run);

}  // namespace
}  // namespace reachback::fuzz
