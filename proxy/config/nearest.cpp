#include "config/nearest.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace forager::config {
namespace {

std::string plain(std::string_view name) {
  std::string made;
  for (const char c : name.substr(0, 64)) {
    if (c >= 'A' && c <= 'Z') {
      made += static_cast<char>(c - 'A' + 'a');
    } else {
      made += c == '-' || c == '.' ? '_' : c;
    }
  }
  made.erase(0, std::min(made.find_first_not_of('_'), made.size()));
  constexpr std::string_view ours = "forager_";
  if (made.starts_with(ours)) made.erase(0, ours.size());
  return made;
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view wrong, std::span<const std::string_view> candidates) {
  const std::string meant = plain(wrong);
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, meant.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t cost = distance(meant, plain(candidate));
    if (cost < least) {
      least = cost;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> candidates) {
  const auto best = nearest(wrong, candidates);
  return best.empty() ? std::string{} : fmt::format(" (did you mean {}?)", best);
}

}  // namespace forager::config
