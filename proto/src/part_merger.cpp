#include "reachback/proto/part_merger.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace reachback::proto {

namespace {

/// A member of the merged message that is not what stands in the part.
struct Replacement {
  std::string_view key;
  std::string_view raw;  ///< empty: the key is left out
};

}  // namespace

MergedHead::State MergedHead::step(std::size_t slice) {
  read_ += std::min(slice, text_.size() - read_);
  if (read_ < text_.size()) {
    scanner_.grow(text_.substr(0, read_));
  } else {
    scanner_.complete(text_);
  }
  while (auto const member = scanner_.next()) {
    keys_size_ += member->key.size();
    if (members_.size() == most_keys) return fail("the first part has too many keys");
    if (keys_size_ > longest_keys) return fail("the keys of the first part are too long");
    members_.push_back({member->key, key_identity(member->key), member->value.raw});
  }
  if (read_ < text_.size()) return State::more;
  drop_doubles();
  lay_out();
  return State::done;
}

MergedHead::State MergedHead::fail(char const* why) {
  fault_ = why;
  return State::bad;
}

std::string MergedHead::next_piece(std::size_t most) {
  std::string piece;
  while (next_ < pieces_.size() && piece.size() < most) {
    auto& rest = pieces_[next_];
    auto const part = rest.substr(0, most - piece.size());
    piece += part;
    rest.remove_prefix(part.size());
    if (rest.empty()) ++next_;
  }
  return piece;
}

// Of equal keys the last stays.
void MergedHead::drop_doubles() {
  std::unordered_set<std::string_view> seen;
  std::vector<bool> is_last(members_.size());
  for (std::size_t i = members_.size(); i-- > 0;) is_last[i] = seen.insert(members_[i].identity).second;
  std::vector<Member> unique;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (is_last[i]) unique.push_back(std::move(members_[i]));
  }
  members_ = std::move(unique);
}

void MergedHead::lay_out() {
  std::array<Replacement, 7> const replacements = {{
      {"compressed", {}},
      {"multipart", {}},
      {"data", {}},
      {"numParts", "1"},
      {"partId", "1"},
      {"hash", present_value("fileHash")},
      {"dataSize", present_value("fileSize")},
  }};
  std::array<bool, replacements.size()> placed = {};

  pieces_.emplace_back("{");
  for (auto const& member : members_) {
    auto const found = std::ranges::find(replacements, member.identity, &Replacement::key);
    if (found == replacements.end()) {
      lay_out(member.key, member.raw);
    } else {
      placed[static_cast<std::size_t>(found - replacements.begin())] = true;
      if (!found->raw.empty()) lay_out(found->key, found->raw);
    }
  }
  for (std::size_t i = 0; i < replacements.size(); ++i) {
    if (!placed[i] && !replacements[i].raw.empty()) lay_out(replacements[i].key, replacements[i].raw);
  }
  pieces_.emplace_back("\"data\":\"");
}

void MergedHead::lay_out(std::string_view key, std::string_view raw) {
  pieces_.insert(pieces_.end(), {"\"", key, "\":", raw, ","});
}

std::string_view MergedHead::present_value(std::string_view key) const {
  auto const found = std::ranges::find(members_, key, &Member::identity);
  return found == members_.end() || found->raw == "null" ? std::string_view() : found->raw;
}

std::string merged_head(std::string_view first_part) {
  MergedHead merged(first_part);
  std::string head;
  if (merged.step(first_part.size()) == MergedHead::State::done) head = merged.next_piece(SIZE_MAX);
  return head;
}

}  // namespace reachback::proto
