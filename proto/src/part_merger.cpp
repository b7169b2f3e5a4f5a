#include "reachback/proto/part_merger.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <vector>

#include "reachback/proto/json_scanner.hpp"

namespace reachback::proto {

namespace {

/// A member of the merged message that is not what stands in the part.
struct Replacement {
  std::string_view key;
  std::string_view raw;  ///< empty: the key is left out
};

struct Member {
  std::string_view key;
  std::string identity;
  std::string_view raw;
};

/// The members in their order; of equal keys the last.
std::vector<Member> unique_members(std::string_view text) {
  std::vector<Member> members;
  ObjectScanner scanner(text);
  while (auto const member = scanner.next()) {
    members.push_back({member->key, key_identity(member->key), member->value.raw});
  }
  std::unordered_set<std::string_view> seen;
  std::vector<bool> is_last(members.size());
  for (std::size_t i = members.size(); i-- > 0;) is_last[i] = seen.insert(members[i].identity).second;
  std::vector<Member> unique;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (is_last[i]) unique.push_back(std::move(members[i]));
  }
  return unique;
}

std::string_view present_value(std::vector<Member> const& members, std::string_view key) {
  auto const found = std::ranges::find(members, key, &Member::identity);
  return found == members.end() || found->raw == "null" ? std::string_view() : found->raw;
}

void append_member(std::string& out, std::string_view key, std::string_view raw) {
  out += '"';
  out += key;
  out += "\":";
  out += raw;
  out += ',';
}

}  // namespace

std::string merged_head(std::string_view first_part) {
  auto const members = unique_members(first_part);
  std::array<Replacement, 7> const replacements = {{
      {"compressed", {}},
      {"multipart", {}},
      {"data", {}},
      {"numParts", "1"},
      {"partId", "1"},
      {"hash", present_value(members, "fileHash")},
      {"dataSize", present_value(members, "fileSize")},
  }};
  std::array<bool, replacements.size()> placed = {};

  std::string head = "{";
  for (auto const& member : members) {
    auto const found = std::ranges::find(replacements, member.identity, &Replacement::key);
    if (found == replacements.end()) {
      append_member(head, member.key, member.raw);
    } else {
      placed[static_cast<std::size_t>(found - replacements.begin())] = true;
      if (!found->raw.empty()) append_member(head, found->key, found->raw);
    }
  }
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    if (!placed[i] && !replacements[i].raw.empty())
      append_member(head, replacements[i].key, replacements[i].raw);
  }
  head += "\"data\":\"";
  return head;
}

}  // namespace reachback::proto
